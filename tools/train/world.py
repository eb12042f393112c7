"""A timeline as the questions see it: what is there when, and which row of the video tells it."""

import numpy as np

from . import layout as at
from .classes import NAMES, PLURALS, article
from .timeline import CLASS_WEIGHTS

WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "more than seven"]


def number(n):
    return WORDS[min(n, 8)]


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


def yes(right):
    return "yes." if right else "no."


def item(c, n):
    return article(NAMES[c]) if n == 1 else f"{number(n)} {PLURALS[c]}"


def listed(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def stamp(seconds):
    return "{" + str(int(seconds)) + "}"


def chain(rows, start=-1, until=-1):
    """What the parts of a list rest on, (row, via, until): each is found from the one before it, the first from `start`; that
    none follows is seen from the last. `until`: the row that tells how far the list goes."""
    return [(row, before, until) for row, before in zip([*rows, -1], [start, *rows])]


class World:
    """A timeline as the questions see it. Object order in a frame is that of the rows: left to right."""

    def __init__(self, timeline):
        self.t, self.times = timeline, timeline.times
        self.count, self.classes, self.order = timeline.count, timeline.classes, timeline.order
        self.frames = len(self.times)
        self.present = self.count > 0
        self.first = [int(np.argmax(p)) for p in self.present]
        self.last = [int(self.frames - 1 - np.argmax(p[::-1])) for p in self.present]
        objects = np.flatnonzero(timeline.dense[:, at.IS_OBJECT])
        rolled = timeline.dense[objects, at.ROLL] > 0
        kinds = timeline.dense[objects, at.CLASS : at.CLASS + at.CLASSES].argmax(1)
        self._roll = dict(zip(kinds[rolled].tolist(), objects[rolled].tolist()))
        objects, kinds = objects[~rolled], kinds[~rolled]
        gone = timeline.dense[objects, at.GONE] > 0
        keys = zip(kinds.tolist(), timeline.row_frame[objects].tolist(), gone.tolist())
        self._rows = dict(zip(keys, objects.tolist()))
        self._scenes = np.flatnonzero(timeline.dense[:, at.IS_SCENE])

    def row(self, i, frame, gone=False):
        """The row of class index `i` in a frame (or the one that tells that it was last seen there); -1: not reported."""
        return self._rows.get((int(self.classes[i]), int(frame), gone), -1)

    def roll(self, i):
        """Its row in the roll call: when and where it was last, how often it has come; -1: never reported."""
        return self._roll.get(int(self.classes[i]), -1)

    def class_at(self, c):
        where = np.flatnonzero(self.classes == c)
        return int(where[0]) if len(where) else None

    def visible(self, frame):
        """Row indices of the classes in a frame, left to right."""
        here = np.flatnonzero(self.present[:, frame])
        return here[np.argsort(self.order[here, frame], kind="stable")]

    def what(self, frame):
        here = self.visible(frame)
        return listed([item(self.classes[i], self.count[i, frame]) for i in here]) + "." if len(here) else "nothing."

    def scene(self, frame):
        """The scene row of a frame."""
        return int(self._scenes[frame])

    def rests(self, frame):
        return chain([self.row(i, frame) for i in self.visible(frame)], self.scene(frame))

    def end_row(self, i, last):
        """Where it stands that a stay ended in frame `last`."""
        return self.row(i, last, gone=last + 1 < self.frames)

    def stays(self, i):
        edge = np.diff(np.concatenate(([0], self.present[i].astype(int), [0])))
        return list(zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1))

    def ask_time(self, rng, i=None):
        """A whole second that people might ask for and the frame shown then: half of them in a stay of class index `i`, or of
        any class, or beside one. Where much comes and goes, a frame drawn blindly hardly ever shows what came once."""
        f = int(rng.integers(self.frames))
        if len(self.classes) and rng.random() < 0.5:
            stays = self.stays(int(rng.integers(len(self.classes))) if i is None else i)
            first, last = stays[int(rng.integers(len(stays)))]
            near = rng.random()  # beside it, its first or last frame, anywhere
            f = int(rng.choice([first - 1, last + 1]) if near < 0.25 else rng.choice([first, last]) if near < 0.5
                    else rng.integers(first, last + 1))
            f = min(max(f, 0), self.frames - 1)
        until = self.times[f + 1] if f + 1 < self.frames else self.times[f] + 1
        low, high = int(np.ceil(self.times[f])), int(np.ceil(until)) - 1
        if high < low:
            return None
        second = low if rng.random() < 0.7 or high == low else int(rng.integers(low, min(high, low + 600) + 1))
        return second, f

    def ask_full_time(self, rng, tries):
        """ask_time() of which most is visible, out of so many."""
        asked = [x for x in (self.ask_time(rng) for _ in range(tries)) if x]
        return max(asked, key=lambda x: self.present[:, x[1]].sum(), default=None)

    def ask_both(self, rng, absent):
        """ask_time() about ask_class(), and that."""
        c, i = self.ask_class(rng, absent)
        return self.ask_time(rng, i), (c, i)

    def ask_class(self, rng, absent=0.3):
        """A class id and its index here, or None where it is not in the video. Absent ones are drawn as present ones."""
        if len(self.classes) and rng.random() >= absent:
            i = int(rng.integers(len(self.classes)))
            return int(self.classes[i]), i
        c = int(rng.choice(80, p=CLASS_WEIGHTS if rng.random() < 0.6 else None))
        return c, self.class_at(c)

    def span(self, rng):
        a, b = sorted(rng.integers(0, self.frames, 2))
        if rng.random() < 0.5:
            b = min(self.frames - 1, a + int(rng.integers(1, 12)))
        a, b = int(a), int(b)
        if int(self.times[a]) == int(self.times[b]) or self.times[a] % 1 or self.times[b] % 1:
            return None
        return a, b

    def events(self, a, b):
        """(frame, appears, class index) of what changes between frames a and b, in the order of the rows. What leaves
        does so in the last frame that shows it."""
        out = []
        for i in range(len(self.classes)):
            edge = np.diff(self.present[i, a : b + 1].astype(int))
            for f in np.flatnonzero(edge):
                g = a + int(f) + 1
                out.append((g, True, self.order[i, g], i) if edge[f] > 0 else (g - 1, False, self.classes[i], i))
        out.sort(key=lambda e: (e[0], not e[1], e[2]))
        return [(g, new, i) for g, new, _, i in out]
