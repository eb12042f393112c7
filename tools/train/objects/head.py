"""The object head: a small two-way pyramid on the trunk's three maps, with score and box branches per stride.

Depthwise and pointwise convs of CHANNELS channels with SiLU; about 0.3 M parameters. Outputs per stride s:
  scores<s> [80, H, W]  class logits; score = sigmoid
  boxes<s>  [4, H, W]   t = left, top, right, bottom; the sides of the box lie s * exp(t) px from the cell's centre
"""
import torch
from torch import nn

from .layer_net import LayerNet, add, conv, depthwise, upsample2
from .trunk import TRUNK_CHANNELS

CHANNELS = 96
STRIDES = (8, 16, 32)
CLASSES = tuple((
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign, "
    "parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, "
    "handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, "
    "skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, "
    "sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining "
    "table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, "
    "refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush"
).split(", "))  # COCO's, in its order
assert len(CLASSES) == 80


def separable(name, source, stride=1, kernel=3):
    """Depthwise, then pointwise with SiLU (as in EfficientDet: nothing between the two)."""
    return [depthwise(f"{name}_depthwise", source, CHANNELS, kernel, stride),
            conv(name, f"{name}_depthwise", CHANNELS, CHANNELS, act="silu")]


def head_layers():
    """Top-down, bottom-up, then branches. 5 x 5 only where maps are small: its gradient costs five 3 x 3 ones here."""
    layers = [conv(f"in{s}", f"c{level}", width, CHANNELS, act="silu")
              for level, s, width in zip((3, 4, 5), STRIDES, TRUNK_CHANNELS)]
    layers += separable("down32", "in32", kernel=5)
    layers += [upsample2("up16", "down32"), add("sum16", "in16", "up16")] + separable("down16", "sum16")
    layers += [upsample2("up8", "down16"), add("sum8", "in8", "up8")] + separable("neck8", "sum8")
    layers += separable("step16", "neck8", stride=2) + [add("back16", "down16", "step16")]
    layers += separable("neck16", "back16")
    layers += separable("step32", "neck16", stride=2) + [add("back32", "down32", "step32")]
    layers += separable("neck32", "back32", kernel=5)
    for s in STRIDES:
        kernel = 5 if s == 32 else 3
        layers += separable(f"class{s}a", f"neck{s}", kernel=kernel) + separable(f"class{s}b", f"class{s}a", kernel=kernel)
        layers += separable(f"shape{s}a", f"neck{s}", kernel=kernel) + separable(f"shape{s}b", f"shape{s}a")
        layers.append(conv(f"scores{s}", f"class{s}b", CHANNELS, len(CLASSES)))
        layers.append(conv(f"boxes{s}", f"shape{s}b", CHANNELS, 4))
    return layers


def new_head(norm=True):
    """A freshly initialised head for training: rare scores (prior 0.01), boxes of about four cells."""
    net = LayerNet(head_layers(), norm=norm)
    for name, part in net.parts.items():
        nn.init.kaiming_normal_(part.weight, mode="fan_in", nonlinearity="relu")
        if part.bias is not None:
            nn.init.zeros_(part.bias)
    for s in STRIDES:
        nn.init.normal_(net.parts[f"scores{s}"].weight, std=0.01)
        nn.init.constant_(net.parts[f"scores{s}"].bias, -4.6)
        nn.init.normal_(net.parts[f"boxes{s}"].weight, std=0.01)
        nn.init.constant_(net.parts[f"boxes{s}"].bias, 0.7)
    return net


def flatten(maps):
    """Head outputs -> logits [batch, cells, 80], sides in px [batch, cells, 4], centres [cells, 2], strides [cells]."""
    logits, sides, centres, strides = [], [], [], []
    for s in STRIDES:
        scores = maps[f"scores{s}"].float()
        height, width = scores.shape[2:]
        logits.append(scores.flatten(2).transpose(1, 2))
        sides.append(torch.exp(maps[f"boxes{s}"].float().clamp(max=6).flatten(2).transpose(1, 2)) * s)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * s)
        strides.append(torch.full((height * width,), float(s)))
    return torch.cat(logits, 1), torch.cat(sides, 1), torch.cat(centres), torch.cat(strides)


def to_boxes(centres, sides):
    """x1, y1, x2, y2 in px of the canvas."""
    return torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], -1)
