"""Pictures in: reading photos, the image geometry shared with vision/preprocess, the training split.

Geometry: the long side is scaled to `long_side` px (area filter when shrinking, linear when growing),
the picture is placed at the top left and padded right and below with grey 114 up to the next multiple of 32.
Boxes are x1, y1, x2, y2 as shares (0..1) of the picture itself, never of the padded canvas.
"""
from pathlib import Path

import cv2
import numpy as np

LONG_SIDE = 320
MULTIPLE = 32
PAD = 114
MEAN = 127.0
STD = 128.0
TEST_EVERY = 7  # every seventh photo of a folder is kept out of training


def photo_list(folder):
    """Every photo as (path, is_test), in the order that all stages share: by folder, then by name."""
    photos = []
    for sub in sorted(p for p in Path(folder).iterdir() if p.is_dir()):
        names = sorted(p for p in sub.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        photos += [(name, index % TEST_EVERY == 0) for index, name in enumerate(names)]
    if not photos:
        raise SystemExit(f"looking for photos in {folder}: found none; expected folders of .jpg files")
    return photos


def read_rgb(path):
    """[height, width, 3] uint8, RGB; grey and alpha pictures become RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"reading {path}: not a picture that OpenCV knows; remove it from the folder")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def scaled_size(height, width, long_side):
    """Height and width after scaling the long side to long_side px; no side falls below 1."""
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(picture, height, width):
    """Area filter when shrinking, linear when growing."""
    shrinks = height < picture.shape[0] or width < picture.shape[1]
    filter_ = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=filter_)


def letterbox(picture, long_side=LONG_SIDE):
    """RGB uint8 -> (canvas [H, W, 3] uint8 with H and W multiples of 32, (height, width) of the picture in it)."""
    height, width = scaled_size(*picture.shape[:2], long_side)
    canvas_h, canvas_w = (-(-side // MULTIPLE) * MULTIPLE for side in (height, width))
    canvas = np.full((canvas_h, canvas_w, 3), PAD, np.uint8)
    canvas[:height, :width] = resize(picture, height, width)
    return canvas, (height, width)


def normalise(canvases):
    """uint8 [..., H, W, 3] -> f32 [..., 3, H, W], (value - 127) / 128."""
    values = (np.asarray(canvases, np.float32) - MEAN) / STD
    return np.ascontiguousarray(np.moveaxis(values, -1, -3))
