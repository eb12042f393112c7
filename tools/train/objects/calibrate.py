"""Stretches the head's logits so that the tracker's two thresholds mean what they should.

Soft targets make the raw scores small. On the photos kept from training, boxes of all classes pooled, the score at
which precision falls to START_PRECISION becomes LIVE.start (a track may begin), the one at KEEP_PRECISION becomes KEEP (a
track lives on): logit' = a * logit + b, which melts into the last convs. No order changes within a class.
A box that meets a teacher box of the same class that is unsure (UNSURE to 0.4) counts neither way.
"""
import numpy as np
import torch

from .boxes import iou
from .detect import decode
from .head import CLASSES, STRIDES, flatten
from .measure import IOU, TRUTH_SCORE
from .tracker import KEEP, LIVE
from .train import load_batch

UNSURE = 0.15
START_PRECISION, KEEP_PRECISION = 0.75, 0.5
RAW_FLOOR = 0.03      # raw score from which boxes are looked at


@torch.no_grad()
def pooled_hits(head, features):
    """(raw scores, is right) of all boxes that count, best first."""
    scores, right = [], []
    for index in range(len(features)):
        inputs, _ = load_batch([features], [(0, index)])
        logits, sides, centres, _ = flatten(head(inputs))
        size = features.size[index]
        boxes, values, classes = decode(logits[0], sides[0], centres, size, RAW_FLOOR)
        truth, soft = features.target(index)
        truth = truth / np.array([size[1], size[0]] * 2, np.float32)
        names, best = (soft.argmax(1), soft.max(1)) if len(soft) else (np.zeros(0, int), np.zeros(0))
        free = np.ones(len(truth), bool)
        for box, value, name in zip(boxes, values, classes):
            overlap = iou(box[None], truth)[0] * (names == name) * free if len(truth) else np.zeros(1)
            k = int(overlap.argmax())
            met = overlap[k] >= IOU
            if met:
                free[k] = False
                if UNSURE <= best[k] <= TRUTH_SCORE:
                    continue
            scores.append(value)
            right.append(met and best[k] > TRUTH_SCORE)
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(scores)[order], np.array(right)[order]


def stretch(head, features):
    """(a, b) of logit' = a logit + b."""
    scores, right = pooled_hits(head, features)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)

    def lowest(wanted):
        good = np.flatnonzero(precision >= wanted)
        return float(scores[good[-1]]) if len(good) else float(scores[0])

    def logit(p):
        return float(np.log(p / (1 - p)))

    high, low = logit(lowest(START_PRECISION)), logit(lowest(KEEP_PRECISION))
    a = float(np.clip((logit(LIVE.start) - logit(KEEP)) / max(high - low, 1e-3), 0.7, 2.0))
    return a, logit(LIVE.start) - a * high


def apply(head, a, b):
    """Melts the stretch into the convs scores8, scores16 and scores32 of head."""
    with torch.no_grad():
        for s in STRIDES:
            part = head.parts[f"scores{s}"]
            part.weight.mul_(a)
            part.bias.mul_(a).add_(b)
            assert part.weight.shape[0] == len(CLASSES)
