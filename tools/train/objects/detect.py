"""The exported detector in Python: the specification of vision/objects, used to evaluate and to measure noise."""
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from .boxes import fuse, suppress
from .head import CLASSES, STRIDES, flatten, to_boxes
from .layer_net import LayerNet
from .pictures import LONG_SIDE, letterbox, normalise

SCORE_FLOOR = 0.1     # no box below is reported
IOU_SAME_CLASS = 0.4
IOU_ANY_CLASS = 0.8
IOU_FUSED = 0.5       # what stays takes the mean of its class's boxes from here on
MAX_BOXES = 64


def decode(logits, sides, centres, size, floor=SCORE_FLOOR):
    """One picture's cells -> (boxes [N, 4] in 0..1 of the picture, scores [N], classes [N]), best first.

    logits [cells, 80], sides [cells, 4] px, centres [cells, 2] px; size is (height, width) of the picture in the canvas.
    A cell has one box with its best class; boxes are clipped to the picture. Those that stay are fused with those that go.
    """
    scores, classes = torch.sigmoid(logits).max(1)
    chosen = scores >= floor
    boxes = to_boxes(centres[chosen], sides[chosen]).numpy()
    height, width = size
    boxes = np.clip(boxes / np.array([width, height, width, height], np.float32), 0, 1)
    scores, classes = scores[chosen].numpy(), classes[chosen].numpy()
    kept = suppress(boxes, scores, classes, IOU_SAME_CLASS, IOU_ANY_CLASS, MAX_BOXES)
    return fuse(boxes, scores, classes, kept, IOU_FUSED), scores[kept], classes[kept]


class Detector:
    """Reads vision.json and vision.safetensors; detect(picture) -> boxes, scores, classes."""

    def __init__(self, folder):
        folder = Path(folder)
        self.config = json.loads((folder / "vision.json").read_text())
        if tuple(self.config["objects"]["classes"]) != CLASSES:
            raise SystemExit(f"reading {folder}/vision.json: its classes are not COCO's 80 in order; export it anew")
        self.net = LayerNet(self.config["layers"]).load_folded(load_file(folder / "vision.safetensors"))
        self.net.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def maps(self, canvases):
        """uint8 [batch, H, W, 3] -> every map of the net."""
        images = torch.from_numpy(normalise(canvases)).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            return self.net({"image": images})

    def detect(self, picture):
        """RGB uint8 [height, width, 3] of any size -> boxes in 0..1, scores, classes; best first."""
        canvas, size = letterbox(picture, LONG_SIDE)
        logits, sides, centres, _ = flatten(self.maps(canvas[None]))
        return decode(logits[0], sides[0], centres, size)

    def output_names(self):
        return [f"{kind}{s}" for s in STRIDES for kind in ("scores", "boxes")]
