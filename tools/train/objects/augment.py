"""New training pictures out of labelled photos: crops, mosaics of small copies, and worse pictures (film, blur, noise).

Every function takes a numpy Generator; the same seed gives the same picture. Boxes are 0..1 of the picture.
"""
import cv2
import numpy as np

from .boxes import areas
from .pictures import LONG_SIDE, resize

ASPECTS = (16 / 9, 16 / 9, 4 / 3, 4 / 3, 3 / 2, 1.0, 2.35, 9 / 16)  # of real films and phones
MIN_SIDE_PX = 5       # smaller boxes are no target
MIN_VISIBLE = 0.3     # share of a box that a crop must leave


def flip(picture, boxes):
    boxes = boxes.copy()
    boxes[:, [0, 2]] = 1 - boxes[:, [2, 0]]
    return picture[:, ::-1], boxes


def worsen(picture, rng):
    """Any mix of: grey, contrast and brightness, gamma, tint, blur, coarse copy, noise, JPEG."""
    x = picture.astype(np.float32)
    if rng.random() < 0.25:
        x = np.repeat((x @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, 2)
    elif rng.random() < 0.25:
        x = x * rng.uniform(0.8, 1.2, 3).astype(np.float32)
    if rng.random() < 0.5:
        mean = x.mean()
        x = (x - mean) * rng.uniform(0.35, 1.3) + mean * rng.uniform(0.6, 1.3)
    if rng.random() < 0.2:
        x = 255 * (np.clip(x, 0, 255) / 255) ** rng.uniform(0.6, 1.7)
    x = np.ascontiguousarray(np.clip(x, 0, 255).astype(np.uint8))
    height, width = x.shape[:2]
    draw = rng.random()
    if draw < 0.15:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 1.6))
    elif draw < 0.25:
        length = int(rng.integers(3, 8))
        line = np.full((1, length), 1 / length, np.float32)
        x = cv2.filter2D(x, -1, line if rng.random() < 0.7 else line.T)
    elif draw < 0.4:
        share = rng.uniform(0.45, 0.9)
        small = cv2.resize(x, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA)
        x = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(2, 14), (height, width, 1 if rng.random() < 0.5 else 3))
        x = np.clip(x + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        _, data = cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
        x = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return x


def crop_window(height, width, rng):
    """A window y1, y2, x1, x2 of at least a third of the picture's area, often of a film's aspect."""
    if rng.random() < 0.25:
        return 0, height, 0, width
    aspect = ASPECTS[rng.integers(len(ASPECTS))] if rng.random() < 0.6 else width / height * rng.uniform(0.8, 1.25)
    share = rng.uniform(0.5, 1.0)
    crop_w = min(width, width * share, height * share * aspect if aspect < width / height else width)
    crop_h = min(height, max(crop_w / aspect, height * 0.35))
    crop_w, crop_h = max(int(crop_w), 16), max(int(crop_h), 16)
    x, y = rng.integers(0, max(width - crop_w, 0) + 1), rng.integers(0, max(height - crop_h, 0) + 1)
    return y, y + crop_h, x, x + crop_w


def varied(picture, rng):
    """A clean crop, perhaps mirrored; the teacher looks at it before worsen() spoils it for the student."""
    y1, y2, x1, x2 = crop_window(*picture.shape[:2], rng)
    crop = picture[y1:y2, x1:x2]
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


def cuts(length, parts, rng):
    """Borders of parts of a length, none under half of the even share."""
    shares = rng.uniform(0.5, 1.0, parts)
    return np.round(np.concatenate([[0], np.cumsum(shares)]) / shares.sum() * length).astype(int)


def cut_boxes(boxes, soft, scale_x, scale_y, shift_x, shift_y, width, height):
    """Boxes in px moved to a part of width x height px; those hardly visible or tiny go, half-seen ones weaken."""
    moved = boxes * np.array([scale_x, scale_y] * 2, np.float32) - np.array([shift_x, shift_y] * 2, np.float32)
    clipped = np.clip(moved, 0, np.array([width, height] * 2, np.float32))
    visible = areas(clipped) / np.maximum(areas(moved), 1e-6)
    sides = np.minimum(clipped[:, 2] - clipped[:, 0], clipped[:, 3] - clipped[:, 1])
    kept = (visible > MIN_VISIBLE) & (sides >= MIN_SIDE_PX)
    weaker = np.where(visible < 0.6, 0.7, 1.0)[:, None]
    return clipped[kept], (soft * weaker)[kept]


def mosaic(pick, rng):
    """pick(rng) -> (picture, boxes 0..1, soft). Returns (picture with a long side of LONG_SIDE, boxes 0..1, soft)."""
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    width, height = (LONG_SIDE, round(LONG_SIDE / aspect)) if aspect >= 1 else (round(LONG_SIDE * aspect), LONG_SIDE)
    draw = rng.random()
    columns, rows = (2, 2) if draw < 0.5 else (3, 2) if draw < 0.8 else (4, 3) if draw < 0.9 else (2, 1)
    if aspect < 1:
        columns, rows = rows, columns
    canvas = np.zeros((height, width, 3), np.uint8)
    all_boxes, all_soft = [], []
    xs, ys = cuts(width, columns, rng), cuts(height, rows, rng)
    for row in range(rows):
        for column in range(columns):
            picture, boxes, soft = pick(rng)
            if rng.random() < 0.5:
                picture, boxes = flip(picture, boxes)
            part_w, part_h = xs[column + 1] - xs[column], ys[row + 1] - ys[row]
            full_h, full_w = picture.shape[:2]
            scale = max(part_w / full_w, part_h / full_h) * (1.0 if rng.random() < 0.5 else rng.uniform(1.0, 1.6))
            scale_x = scale * rng.uniform(1.0, 1.15)
            new_w, new_h = max(part_w, round(full_w * scale_x)), max(part_h, round(full_h * scale))
            x, y = rng.integers(0, new_w - part_w + 1), rng.integers(0, new_h - part_h + 1)
            scaled = resize(np.ascontiguousarray(picture), new_h, new_w)
            canvas[ys[row]:ys[row + 1], xs[column]:xs[column + 1]] = scaled[y:y + part_h, x:x + part_w]
            boxes, soft = cut_boxes(boxes, soft, new_w, new_h, x, y, part_w, part_h)
            all_boxes.append(boxes + np.array([xs[column], ys[row]] * 2, np.float32))
            all_soft.append(soft)
    return canvas, np.concatenate(all_boxes) / np.array([width, height] * 2, np.float32), np.concatenate(all_soft)
