"""The conv net as a list of layers, and a torch module that runs such a list.

One list describes the trunk, the head while it is trained, and the exported vision.json: what trains is what ships.
A layer is a dict with "op", "name" and "in" (a name, or a list of names for add). Its output carries its name;
"image" is the network's input [batch, 3, H, W].
  conv         kernel, stride, groups, in_channels, out_channels, pad [top, left, bottom, right] zeros, act
  add          sum of two maps of one shape, then act
  upsample2    each value becomes 2 x 2 (nearest)
  global_pool  mean over height and width -> [batch, channels]
  linear       y = x W + b
act is none, relu6 or silu. A conv marked "norm" carries a batch norm after it, which fold() melts into weight and bias.
"""
import torch
import torch.nn.functional as F
from torch import nn

NORM_EPS = 1e-3


def conv(name, source, in_channels, out_channels, kernel=1, stride=1, groups=1, act="none", pad=None):
    """A conv layer; without pad, (kernel - 1) / 2 zeros on each side."""
    half = (kernel - 1) // 2
    return {"op": "conv", "name": name, "in": source, "in_channels": in_channels, "out_channels": out_channels,
            "kernel": kernel, "stride": stride, "groups": groups, "act": act, "pad": pad or [half] * 4}


def depthwise(name, source, channels, kernel, stride=1, act="none", pad=None):
    return conv(name, source, channels, channels, kernel, stride, channels, act, pad)


def add(name, a, b, act="none"):
    return {"op": "add", "name": name, "in": [a, b], "act": act}


def upsample2(name, source):
    return {"op": "upsample2", "name": name, "in": source}


def activate(x, act):
    if act == "relu6":
        return F.relu6(x)
    if act == "silu":
        return F.silu(x)
    return x


class LayerNet(nn.Module):
    """Runs a layer list. Parameters are named <layer>.weight and <layer>.bias, as in vision.safetensors."""

    def __init__(self, layers, norm=False):
        """norm: give every conv with an activation a batch norm instead of a bias (for training)."""
        super().__init__()
        self.layers = layers
        self.parts = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        for layer in layers:
            name = layer["name"]
            if layer["op"] == "conv":
                normed = norm and layer["act"] != "none"
                self.parts[name] = nn.Conv2d(layer["in_channels"], layer["out_channels"], layer["kernel"],
                                             layer["stride"], groups=layer["groups"], bias=not normed)
                if normed:
                    self.norms[name] = nn.BatchNorm2d(layer["out_channels"], eps=NORM_EPS, momentum=0.03)
            elif layer["op"] == "linear":
                self.parts[name] = nn.Linear(layer["in_channels"], layer["out_channels"])

    def forward(self, inputs):
        """inputs: dict of maps by name ("image" or trunk maps). Returns the dict of all maps.

        Convs compute in the type of their input (bf16 trains three times faster here), weights stay f32."""
        maps = dict(inputs)
        for layer in self.layers:
            op, name, source = layer["op"], layer["name"], layer["in"]
            if op == "conv":
                part = self.parts[name]
                top, left, bottom, right = layer["pad"]
                x = maps[source]
                weight, bias = part.weight.to(x.dtype), part.bias.to(x.dtype) if part.bias is not None else None
                if top == bottom and left == right:
                    x = F.conv2d(x, weight, bias, part.stride, (top, left), 1, part.groups)
                else:
                    x = F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, part.stride, 0, 1, part.groups)
                x = self.norms[name](x) if name in self.norms else x
                maps[name] = activate(x, layer["act"])
            elif op == "add":
                maps[name] = activate(maps[source[0]] + maps[source[1]], layer["act"])
            elif op == "upsample2":
                maps[name] = F.interpolate(maps[source], scale_factor=2.0, mode="nearest")
            elif op == "global_pool":
                maps[name] = maps[source].mean((2, 3))
            elif op == "linear":
                maps[name] = self.parts[name](maps[source])
            else:
                raise ValueError(f"layer {name}: op {op} is none of conv, add, upsample2, global_pool, linear")
        return maps

    def fold(self):
        """{<layer>.weight, <layer>.bias} with batch norms melted in; conv [out, in/groups, k, k], linear [in, out]."""
        tensors = {}
        for name, part in self.parts.items():
            weight = part.weight.detach().float()
            bias = part.bias.detach().float() if part.bias is not None else torch.zeros(weight.shape[0])
            if name in self.norms:
                norm = self.norms[name]
                scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
                weight = weight * scale[:, None, None, None]
                bias = norm.bias.detach() + (bias - norm.running_mean) * scale
            tensors[f"{name}.weight"] = (weight.t() if isinstance(part, nn.Linear) else weight).contiguous().clone()
            tensors[f"{name}.bias"] = bias.clone()
        return tensors

    def load_folded(self, tensors):
        """Takes what fold() gives (f16 becomes f32) into a net built without norms."""
        for name, part in self.parts.items():
            weight = tensors[f"{name}.weight"].float()
            part.weight.data = (weight.t() if isinstance(part, nn.Linear) else weight).contiguous()
            part.bias.data = tensors[f"{name}.bias"].float()
        return self
