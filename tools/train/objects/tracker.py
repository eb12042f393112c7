"""vision/tracker.cpp in Python, so that noise.py measures what the program's tracker leaves behind.

Boxes with at least `sure` choose their tracks before the others do. A track begins at score `start`, or at `steady` when a box
of its class lay on the same spot in the frame before; it lives while a box with at least `keep` meets it, and `keep_share` of
its best score, and its smoothed score stays above `trust`. Its class is what its last boxes voted for, among classes that
detectors mix up (GROUPS). With a lag a frame is told when `lag` more have come: then a track may be met again after a gap, is
told from its first doubtful sighting on, and is forgotten when it was gone at once.
"""
from dataclasses import dataclass, field

import numpy as np

from .boxes import iou

KEEP, SAME_PLACE, SAME_SPOT = 0.12, 0.7, 0.6
TRUST_MEMORY = 0.6
SAME_CLASS_OVERLAP, OTHER_CLASS_OVERLAP = 0.25, 0.4
STILL_OVERLAP = 0.5  # after more than one frame overlooked
REACH, NEAR_REACH, SIZE_RATIO = 1.5, 0.5, 2.5
VOTE_DECAY, VOTE_LEAD, CANDIDATES = 0.8, 1.3, 3
MAX_CLASSES = 8
GROUPS = np.array([0, 1, 2, 1, 3, 2, 2, 2, 2, 0, 0, 0, 0, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 0, 6, 0, 6, 7, 8, 8, 7, 3, 0, 0,
                   8, 8, 0, 9, 9, 9, 10, 10, 10, 9, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 4, 4, 9, 4, 12, 0, 13, 13,
                   14, 14, 14, 14, 13, 13, 13, 0, 13, 14, 0, 9, 10, 5, 14, 10])


def confusable(a, b):
    """True where classes a and b may be one thing."""
    return (a == b) | ((GROUPS[a] == GROUPS[b]) & (GROUPS[a] != 0))


@dataclass
class Options:
    lag: int = 0
    start: float = 0.5
    steady: float = 0.45
    sure: float = 0.45        # boxes from here on choose their tracks first
    keep_share: float = 0.0   # of its best score: a track is not met at less
    trust: float = 0.2
    doubt: float = 0.25       # with a lag: a first sighting,
    enough: int = 4           # believed after so many
    enough_score: float = 0.43  # with this mean
    once: float = 0.7         # seen in one frame alone
    twice: float = 0.65       # in two
    last_start: float = 0.5   # where nothing follows
    plain: float = 0.6        # with this mean a thing is overlooked for one frame, not for more


LIVE, PATIENT = Options(), Options(lag=4, start=0.55, steady=0.48, keep_share=0.35, trust=0.17)


@dataclass
class Track:
    id: int
    name: int           # class
    box: np.ndarray     # x1 y1 x2 y2, 0..1
    score: float
    votes: list = field(default_factory=list)   # [class, weight], the leader first
    trust: float = 0.0  # its scores, smoothed
    believed: bool = False
    ended: bool = False
    missing: int = 0    # frames since the last sighting
    scores: list = field(default_factory=list)  # of all sightings

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
    def __init__(self, options=LIVE):
        self.options, self.tracks, self.last_id = options, [], 0
        self.frames = []  # that wait: [(track, box, score)]

    def step(self, boxes, scores, classes):
        """One frame's detections, best first -> the tracks in the frame `lag` before it, of at most MAX_CLASSES classes; None
        while there is none."""
        options = self.options
        good = scores >= KEEP
        boxes, scores, classes = boxes[good], scores[good], classes[good].astype(int)
        sure = [t for t in self.tracks if t.believed and not t.ended and not t.missing]
        lost = [t for t in self.tracks if t.believed and not t.ended and t.missing and t.missing <= self.longest_gap(t)]
        doubtful = [t for t in self.tracks if not t.believed and not t.ended]
        for track in self.tracks:
            track.missing += 1
        met, weak = {}, set(np.flatnonzero(scores < options.sure).tolist())
        taken = set(weak)
        self.match(sure, boxes, scores, classes, met, taken, REACH)
        self.match(lost, boxes, scores, classes, met, taken, NEAR_REACH)
        taken -= weak
        for group in (sure, lost, doubtful):
            self.match(group, boxes, scores, classes, met, taken, NEAR_REACH)
        named, frame = [], []

        def named_twice(k):
            return any(confusable(t.name, classes[k]) and iou(t.box[None], boxes[k][None])[0, 0] > SAME_PLACE for t in named)

        for track in sure + lost + doubtful:
            k = met.get(track.id)
            if k is None or named_twice(k):
                continue
            score = float(scores[k])
            trust = TRUST_MEMORY * track.trust + (1 - TRUST_MEMORY) * score
            if trust < options.trust:
                track.ended = True
                continue
            track.trust = trust
            self.meet(track, boxes[k], score, int(classes[k]))
            frame.append((track, track.box, score))
            if track.believed:
                named.append(track)
        for k in range(len(boxes)):
            if k in taken or scores[k] < (options.doubt if options.lag else options.steady) or named_twice(k):
                continue
            name, score = int(classes[k]), float(scores[k])
            self.last_id += 1
            track = Track(self.last_id, name, boxes[k], score, [[name, score]], score, score >= options.start, scores=[score])
            self.tracks.append(track)
            frame.append((track, track.box, score))
            if track.believed:
                named.append(track)
        self.tracks = [t for t in self.tracks if t.missing <= (options.lag if t.believed else 0)]
        self.frames.append(frame)
        return self.tell() if len(self.frames) > options.lag else None

    def longest_gap(self, track):
        return min(1, self.options.lag) if np.mean(track.scores) >= self.options.plain else self.options.lag

    def settle(self):
        """No frame follows: the tracks of the oldest frame that waits, or None."""
        for track in self.tracks:
            track.believed |= bool(not track.missing and np.mean(track.scores) >= self.options.last_start)
        return self.tell() if self.frames else None

    def meet(self, track, box, score, name):
        options = self.options
        if not track.believed:
            steady = min(score, track.score) >= options.steady and iou(track.box[None], box[None])[0, 0] > SAME_SPOT
            scores = [*track.scores, score]
            enough = options.lag and len(scores) >= options.enough and np.mean(scores) >= options.enough_score
            track.believed = bool(score >= options.start or steady or enough)
        for back in range(1, track.missing):
            if back <= len(self.frames):
                between = box + (track.box - box) * back / track.missing
                self.frames[-back].append((track, between, min(track.score, score)))
        track.box, track.score, track.missing = box, score, 0
        track.scores.append(score)
        track.vote(name, score)

    def tell(self):
        options, best, told = self.options, {}, []
        for track, box, score in self.frames.pop(0):
            brief = {1: options.once, 2: options.twice}.get(len(track.scores), 0)
            if track.believed and not (options.lag and track.missing and max(track.scores) < brief):
                told.append(Track(track.id, track.name, box, score))
                best[track.name] = max(best.get(track.name, 0), score)
        shown = sorted(best, key=best.get, reverse=True)[:MAX_CLASSES]
        return [track for track in told if track.name in shown]

    def match(self, tracks, boxes, scores, classes, met, taken, reach):
        """Greedy pairs of free tracks and boxes, best values first."""
        if not tracks or not len(boxes):
            return
        past = np.stack([track.box for track in tracks])
        names = np.array([track.name for track in tracks])
        same, mixed = names[:, None] == classes[None], confusable(names[:, None], classes[None])
        overlap, apart = iou(past, boxes), distances(past, boxes)
        may = scores[None] >= self.options.keep_share * np.array([max(track.scores) for track in tracks])[:, None]
        may &= (np.array([track.missing for track in tracks]) <= 2)[:, None] | (overlap > STILL_OVERLAP)
        same, mixed = same & may, mixed & may
        for value in (np.where(same & (overlap > SAME_CLASS_OVERLAP), overlap, 0),
                      np.where(mixed & (overlap > OTHER_CLASS_OVERLAP), overlap, 0),
                      np.where(same & (apart < reach), 1 / (0.01 + apart), 0)):
            for flat in np.argsort(-value, axis=None, kind="stable"):
                track, box = (int(k) for k in np.unravel_index(flat, value.shape))
                if value[track, box] <= 0:
                    break
                if tracks[track].id not in met and box not in taken:
                    met[tracks[track].id] = box
                    taken.add(box)


def track_video(detections, options):
    """Tracks of every frame; detections: (boxes, scores, classes) a frame."""
    tracker, told = Tracker(options), []
    for frame in detections:
        settled = tracker.step(*frame)
        if settled is not None:
            told.append(settled)
    while (settled := tracker.settle()) is not None:
        told.append(settled)
    return told
