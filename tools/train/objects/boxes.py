"""Boxes x1, y1, x2, y2 in numpy: overlap, non-maximum suppression, fusion."""
import numpy as np


def areas(boxes):
    return np.clip(boxes[..., 2] - boxes[..., 0], 0, None) * np.clip(boxes[..., 3] - boxes[..., 1], 0, None)


def intersections(a, b):
    """[A, 4], [B, 4] -> intersection areas [A, B]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(-1)


def iou(a, b):
    """[A, 4], [B, 4] -> intersection over union [A, B]."""
    shared = intersections(a, b)
    return shared / np.maximum(areas(a)[:, None] + areas(b)[None, :] - shared, 1e-9)


def suppress(boxes, scores, classes, iou_same, iou_any=1.0, limit=100):
    """Indices kept, best first. A box goes when a better one of its class overlaps it by more than iou_same,
    or a better one of any class by more than iou_any."""
    order = np.argsort(-scores, kind="stable")
    kept = []
    for index in order:
        if kept:
            overlap = iou(boxes[index:index + 1], boxes[kept])[0]
            same = classes[kept] == classes[index]
            if (overlap > np.where(same, min(iou_same, iou_any), iou_any)).any():
                continue
        kept.append(int(index))
        if len(kept) == limit:
            break
    return np.array(kept, np.int64)


def fuse(boxes, scores, classes, kept, iou_fused):
    """Each kept box becomes the mean, weighted by score, of the boxes of its class that overlap it by iou_fused or more."""
    member = (iou(boxes[kept], boxes) >= iou_fused) & (classes[kept][:, None] == classes[None])
    member[np.arange(len(kept)), kept] = True
    weights = member * scores
    return (weights @ boxes / weights.sum(1, keepdims=True)).astype(np.float32)
