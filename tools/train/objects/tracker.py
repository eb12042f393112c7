"""vision/tracker.cpp in Python, so that noise.py measures what the program's tracker leaves behind.

A track begins at score START, or at STEADY when a box of its class lay on the same spot in the frame before; it lives
while a box with at least KEEP meets it in every frame and its smoothed score stays above TRUST. Its class is what its last
boxes voted for, among classes that detectors mix up (GROUPS).
"""
from dataclasses import dataclass, field

import numpy as np

from .boxes import iou

START, STEADY, KEEP, TRUST, SAME_PLACE, SAME_SPOT = 0.5, 0.45, 0.12, 0.2, 0.7, 0.6
TRUST_MEMORY = 0.6
SAME_CLASS_OVERLAP, OTHER_CLASS_OVERLAP = 0.25, 0.4
REACH, WEAK_REACH, SIZE_RATIO = 1.5, 0.5, 2.5
VOTE_DECAY, VOTE_LEAD, CANDIDATES = 0.8, 1.3, 3
MAX_CLASSES = 8
GROUPS = np.array([0, 1, 2, 1, 3, 2, 2, 2, 2, 0, 0, 0, 0, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 0, 6, 0, 6, 7, 8, 8, 7, 3, 0, 0,
                   8, 8, 0, 9, 9, 9, 10, 10, 10, 9, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 4, 4, 9, 4, 12, 0, 13, 13,
                   14, 14, 14, 14, 13, 13, 13, 0, 13, 14, 0, 9, 10, 5, 14, 10])


def confusable(a, b):
    """True where classes a and b may be one thing."""
    return (a == b) | ((GROUPS[a] == GROUPS[b]) & (GROUPS[a] != 0))


@dataclass
class Track:
    id: int
    name: int           # class
    box: np.ndarray     # x1 y1 x2 y2, 0..1
    score: float
    votes: list = field(default_factory=list)   # [class, weight], the leader first
    trust: float = 0.0  # its scores, smoothed

    def vote(self, name, score):
        for vote in self.votes:
            vote[1] *= VOTE_DECAY
        mine = next((vote for vote in self.votes if vote[0] == name), None)
        if mine is None:
            if len(self.votes) == CANDIDATES:
                self.votes.remove(min(self.votes[1:], key=lambda vote: vote[1]))
            mine = [name, 0.0]
            self.votes.append(mine)
        mine[1] += score
        best = max(self.votes, key=lambda vote: vote[1])
        if best[1] > VOTE_LEAD * self.votes[0][1]:
            at = self.votes.index(best)
            self.votes[0], self.votes[at] = self.votes[at], self.votes[0]
        self.name = self.votes[0][0]


def distances(a, b):
    """Boxes [A, 4], [B, 4]: distance of centres in own sizes [A, B]; infinite when the sizes do not fit."""
    def wide(x):
        return x[:, 2] - x[:, 0], x[:, 3] - x[:, 1]

    (aw, ah), (bw, bh) = wide(a), wide(b)
    one, other = np.sqrt(np.maximum(aw * ah, 1e-8))[:, None], np.sqrt(np.maximum(bw * bh, 1e-8))[None]
    size = np.maximum(np.maximum(aw, ah * 0.6)[:, None], np.maximum(bw, bh * 0.6)[None])
    centres_a, centres_b = (a[:, :2] + a[:, 2:]) / 2, (b[:, :2] + b[:, 2:]) / 2
    apart = np.linalg.norm(centres_a[:, None] - centres_b[None], axis=2) / np.maximum(size, 1e-4)
    return np.where(np.maximum(one, other) > SIZE_RATIO * np.minimum(one, other), np.inf, apart)


class Tracker:
    def __init__(self):
        self.tracks, self.last_id = [], 0
        self.waiting = []  # [(class, box)] of the last frame, steady enough but not sure enough to begin with

    def step(self, boxes, scores, classes):
        """One frame's detections, best first -> the tracks in it, of at most MAX_CLASSES classes."""
        good = scores >= KEEP
        boxes, scores, classes = boxes[good], scores[good], classes[good].astype(int)
        met, taken = {}, set()
        if self.tracks and len(boxes):
            past = np.stack([track.box for track in self.tracks])
            names = np.array([track.name for track in self.tracks])
            same = names[:, None] == classes[None]
            overlap, apart = iou(past, boxes), distances(past, boxes)
            reach = np.where(scores >= START, REACH, WEAK_REACH)[None]
            self.match(np.where(same & (overlap > SAME_CLASS_OVERLAP), overlap, 0), met, taken)
            mixed = confusable(names[:, None], classes[None])
            self.match(np.where(mixed & (overlap > OTHER_CLASS_OVERLAP), overlap, 0), met, taken)
            self.match(np.where(same & (apart < reach), 1 / (0.01 + apart), 0), met, taken)
        tracks = []

        def named_twice(k):
            return any(confusable(t.name, classes[k]) and iou(t.box[None], boxes[k][None])[0, 0] > SAME_PLACE for t in tracks)

        for index, track in enumerate(self.tracks):
            if index in met and not named_twice(met[index]):
                k = met[index]
                trust = TRUST_MEMORY * track.trust + (1 - TRUST_MEMORY) * float(scores[k])
                if trust < TRUST:
                    continue
                track.box, track.score, track.trust = boxes[k], float(scores[k]), trust
                track.vote(int(classes[k]), float(scores[k]))
                tracks.append(track)
        waiting = []
        for k in range(len(boxes)):
            if k in taken or scores[k] < STEADY or named_twice(k):
                continue
            name, score = int(classes[k]), float(scores[k])
            if score < START and not any(n == name and iou(b[None], boxes[k][None])[0, 0] > SAME_SPOT for n, b in self.waiting):
                waiting.append((name, boxes[k]))
                continue
            self.last_id += 1
            tracks.append(Track(self.last_id, name, boxes[k], score, [[name, score]], score))
        self.tracks, self.waiting = tracks, waiting
        best = {}
        for track in tracks:
            best[track.name] = max(best.get(track.name, 0), track.score)
        shown = sorted(best, key=best.get, reverse=True)[:MAX_CLASSES]
        return [Track(t.id, t.name, t.box, t.score) for t in tracks if t.name in shown]

    @staticmethod
    def match(value, met, taken):
        """Greedy pairs of free tracks and boxes, best values first; 0 is never."""
        for flat in np.argsort(-value, axis=None, kind="stable"):
            track, box = (int(k) for k in np.unravel_index(flat, value.shape))
            if value[track, box] <= 0:
                break
            if track not in met and box not in taken:
                met[track] = box
                taken.add(box)
