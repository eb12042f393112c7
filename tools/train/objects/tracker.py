"""The tracker's rules in Python, to measure what noise is left behind it (the program's own is vision/tracker).

A track begins at score START, lives while a box of its class with at least KEEP follows it, and is reported only in
frames where it was matched. A box follows a track by overlap, or by a centre near enough for its size.
"""
from dataclasses import dataclass

import numpy as np

from .boxes import iou

START, KEEP = 0.45, 0.2
MIN_OVERLAP = 0.1
REACH = 1.5            # centre distance allowed, in mean sides of the box
MAX_CLASSES = 8


@dataclass
class Track:
    id: int
    name: int           # class
    box: np.ndarray     # x1 y1 x2 y2, 0..1
    score: float


class Tracker:
    def __init__(self):
        self.tracks, self.next_id = [], 0

    def step(self, boxes, scores, classes):
        """One frame's detections -> the tracks seen in it."""
        seen = []
        for name in np.unique(classes[scores >= KEEP]):
            mine = np.flatnonzero((classes == name) & (scores >= KEEP))
            old = [track for track in self.tracks if track.name == name]
            seen += self.follow(old, boxes[mine], scores[mine], int(name))
        names = sorted({t.name for t in seen}, key=lambda n: -max(t.score for t in seen if t.name == n))[:MAX_CLASSES]
        self.tracks = [track for track in seen if track.name in names]
        return self.tracks

    def follow(self, old, boxes, scores, name):
        taken_track, taken_box, seen = set(), set(), []
        if old:
            past = np.stack([track.box for track in old])
            overlap = iou(past, boxes)
            far = np.linalg.norm((past[:, None, :2] + past[:, None, 2:] - boxes[None, :, :2] - boxes[None, :, 2:]) / 2, axis=2)
            side = np.sqrt(np.maximum(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[None], 1e-6))
            good = (overlap >= MIN_OVERLAP) | (far < REACH * side)
            value = np.where(good, overlap - 0.2 * far / side, -np.inf)
            for flat in np.argsort(-value, axis=None):
                t, b = np.unravel_index(flat, value.shape)
                if value[t, b] == -np.inf:
                    break
                if t not in taken_track and b not in taken_box:
                    taken_track.add(t)
                    taken_box.add(b)
                    seen.append(Track(old[t].id, name, boxes[b], float(scores[b])))
        for b in range(len(boxes)):
            if b not in taken_box and scores[b] >= START:
                seen.append(Track(self.next_id, name, boxes[b], float(scores[b])))
                self.next_id += 1
        return seen
