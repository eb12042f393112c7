"""Synthetic timelines: what a camera might see, second by second, as the feature rows that vision would hand over.

A timeline has two faces: what is true (`count`, boxes, motion: questions are answered from these) and what the
detector and tracker report of it (the rows), with the noise that noise.py measured on real footage.
"""

from dataclasses import dataclass

import numpy as np

from . import classes, layout as at

CLASS_WEIGHTS = np.array(classes.WEIGHTS) / sum(classes.WEIGHTS)

# Rates a frame, measured on real footage after the tracker (tools/train/noise.json replaces them). A count is off with
# another rate for one object (a double), for two or three, and for a crowd, where half of the counts are.
DEFAULT_NOISE = {"vanish": 0.004, "vanish_frames": 1.4, "count_off_single": 0.026, "count_off": 0.06,
                 "count_off_crowd": 0.5, "spurious": 0.0025, "spurious_frames": 2.0, "jitter": 0.013,
                 "score_true": [0.3, 0.6, 0.75, 0.85, 1.0], "score_false": [0.3, 0.4, 0.45, 0.5, 0.8]}
CROWD = 4
DAYS = 0.25  # share of videos that last days or begin late
LONGEST_CUT_S, LAST_S = 15 * 3600, 99 * 3600
BUSY_KINDS = 7  # at once, which leaves room for a false one
FULL = 0.6  # share of busy videos where that many often are


@dataclass
class Timeline:
    times: np.ndarray  # [F] s, float64, rising
    classes: np.ndarray  # [C] class ids seen (true)
    count: np.ndarray  # [C, F] how many are there (true)
    cells: np.ndarray  # [C, F, 3] is one in the left, middle, right third (true)
    order: np.ndarray  # [C, F] mean x of the class's objects, as the rows report it
    motion: np.ndarray  # [C, F] index into MOTIONS of the largest object, since it came in (true)
    dense: np.ndarray  # [N, DENSE] f32 rows
    row_frame: np.ndarray  # [N] frame whose time each row has
    scene_index: np.ndarray  # [F, 5]
    scene_value: np.ndarray  # [F, 5]

    @property
    def frames(self):
        return len(self.times)


MOTIONS = ["left", "right", "up", "down", "closer", "still"]


def frame_times(rng, frames, jumpy, days=DAYS):
    """Steady sampling from 0, or (jumpy) any period from half a second to a minute and cuts of up to ten minutes. A share
    `days` begins anywhere within 99 hours and, if jumpy, may have cuts of up to 15 hours instead, or be made of echoes."""
    days = rng.random() < days
    if days and jumpy and rng.random() < 0.5:
        return _echoes(rng, frames)
    if jumpy:
        period = float(np.exp(rng.uniform(np.log(1), np.log(60))))
        period = round(period) if rng.random() < 0.8 else period
        steps = np.full(frames, float(period))
        steps[0] = 0 if rng.random() < 0.7 else rng.integers(0, 3600)
        for cut in rng.integers(1, max(frames, 2), rng.integers(0, 4)):
            if cut < frames:
                steps[cut] += int(np.exp(rng.uniform(0, np.log(LONGEST_CUT_S)))) if days else rng.integers(1, 600)
        times = np.cumsum(steps)
    else:
        times = np.arange(frames) * rng.choice([0.5, 1, 1, 1, 1, 1, 2])
    late = days and (not jumpy or rng.random() < 0.5)
    return times + rng.integers(0, int(max(1, LAST_S - times[-1]))) * 1.0 if late else times


def _echoes(rng, frames):
    """Stretches of steady seconds that lie whole minutes, tens of minutes, hours or tens of hours apart, give or take two
    seconds: what a day has thousands of, times that differ in one of their digits, in a video of any length."""
    unit = int(rng.choice([60, 600, 3600, 3600, 36000]))
    apart = LAST_S // unit - 1
    stretch = max(int(rng.integers(4, 41)), -(-frames // apart))
    count = -(-frames // stretch)
    starts = np.sort(rng.choice(min(apart, 12 * count), count, replace=False)) * unit + rng.integers(-2, 3, count)
    return ((starts + rng.integers(2, unit))[:, None] + np.arange(stretch)).ravel()[:frames].astype(float)


def _intervals(rng, frames):
    """One to four stays [first, last) of an object group."""
    style = rng.random()
    if style < 0.2:
        return [(0, frames)]
    stays, t = [], 0 if rng.random() < 0.35 else int(rng.integers(0, frames))
    for _ in range(1 if style < 0.6 else int(rng.integers(2, 5))):
        longest = max(2, int(frames * rng.choice([0.1, 0.3, 0.7])))
        end = min(frames, t + int(rng.integers(1, longest + 1)))
        stays.append((t, end))
        t = end + 1 + int(rng.integers(0, max(1, frames // 4)))
        if t >= frames:
            break
    return stays


def _scatter(rng, frames):
    """Objects [(class, first, last, path)]; path: start cx, cy, speed, size, growth."""
    kinds = int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8], p=[0.01, 0.12, 0.2, 0.2, 0.17, 0.12, 0.09, 0.05, 0.04]))
    drawn = rng.choice(80, kinds, replace=False, p=CLASS_WEIGHTS if rng.random() < 0.6 else None)
    objects = []
    for c in drawn:
        many = rng.random() < 0.5
        stays = _intervals(rng, frames)
        for first, last in stays:
            group = 1 if not many else int(rng.choice([1, 2, 3, 4, 5, 6, 8], p=[.3, .34, .24, .05, .03, .02, .02]))
            for k in range(group):
                a, b = first, last
                if many and k and rng.random() < 0.6:  # comes or goes within the stay of its group
                    a = int(rng.integers(first, last))
                    b = int(rng.integers(a + 1, last + 1))
                objects.append((int(c), a, b))
    return drawn, objects


def _come_and_go(rng, frames):
    """As _scatter, of a place where many kinds come and go all the time: long videos, in which nearly every kind has been
    seen before, and often."""
    drawn = rng.choice(80, int(rng.integers(9, 60)), replace=False, p=CLASS_WEIGHTS if rng.random() < 0.5 else None)
    share = np.exp(rng.normal(0, rng.uniform(0, 2), len(drawn)))  # some come often, some once in all
    coming = rng.uniform(*((4, 9) if rng.random() < FULL else (1.5, 4.5))) / 15  # a frame; a stay lasts 15 on average
    until = np.zeros(len(drawn), int)
    objects = []
    turns = rng.choice(len(drawn), frames, p=share / share.sum())
    for first, i in enumerate(turns):
        if rng.random() >= (0.5 if first == 0 else coming) or until[i] >= first or (until > first).sum() >= BUSY_KINDS:
            continue
        low, high = [(1, 12), (12, 80), (80, 600)][int(rng.choice(3, p=[0.75, 0.23, 0.02]))]
        last = until[i] = min(frames, first + int(np.exp(rng.uniform(np.log(low), np.log(high)))))
        for k in range(int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))):
            leaves = int(rng.integers(first + 1, last + 1)) if k and rng.random() < 0.4 else last
            objects.append((int(drawn[i]), first, leaves))
    return drawn, objects


def _paths(rng, objects):
    n = len(objects)
    start = rng.uniform(0.05, 0.95, (n, 2))
    moving = rng.random(n)
    travel = np.zeros((n, 2))
    sideways = moving < 0.35
    travel[sideways, 0] = rng.choice([-1, 1], sideways.sum()) * rng.uniform(0.2, 0.8, sideways.sum())
    upright = (moving >= 0.35) & (moving < 0.5)
    travel[upright, 1] = rng.choice([-1, 1], upright.sum()) * rng.uniform(0.2, 0.6, upright.sum())
    growth = np.ones(n)
    growing = (moving >= 0.5) & (moving < 0.6)
    growth[growing] = rng.choice([0.5, 2.0], growing.sum())
    size = np.exp(rng.uniform(np.log(0.05), np.log(0.6), (n, 1))) * rng.uniform(0.6, 1.6, (n, 2))
    return start, travel, growth, size


def _third(centre):
    return np.clip((centre * 3).astype(int), 0, 2)


def simulate(rng, frames, jumpy=True, noise=None, busy=False, days=DAYS):
    noise = {**DEFAULT_NOISE, **(noise or {})}
    times = frame_times(rng, frames, jumpy, days)
    drawn, objects = (_come_and_go if busy else _scatter)(rng, frames)
    start, travel, growth, size = _paths(rng, objects)
    n_classes = len(drawn)
    count = np.zeros((n_classes, frames), np.int32)
    cells = np.zeros((n_classes, frames, 3), bool)
    rows_down = np.zeros((n_classes, frames, 3), bool)
    mean_x = np.zeros((n_classes, frames))
    box = np.zeros((n_classes, frames, 4), np.float32)
    largest = np.zeros((n_classes, frames))
    move = np.full((n_classes, frames), 5)
    index_of = {int(c): i for i, c in enumerate(drawn)}
    for j, (c, a, b) in enumerate(objects):
        i = index_of[c]
        part = np.linspace(0, 1, b - a) if b - a > 1 else np.zeros(1)
        centre = np.clip(start[j] + part[:, None] * travel[j], 0.02, 0.98)
        wide = np.clip(size[j] * (growth[j] ** part)[:, None], 0.02, 0.98)
        count[i, a:b] += 1
        span = np.arange(a, b)
        cells[i, span, _third(centre[:, 0])] = True
        rows_down[i, span, _third(centre[:, 1])] = True
        mean_x[i, a:b] += centre[:, 0]
        area = wide.prod(1)
        bigger = area > largest[i, a:b]
        largest[i, a:b] = np.where(bigger, area, largest[i, a:b])
        box[i, span[bigger], :2], box[i, span[bigger], 2:] = centre[bigger], wide[bigger]
        shift = centre - centre[0]
        grown = wide[:, 1] / wide[0, 1]
        m = np.full(b - a, 5)
        m[grown > at.CLOSER_RATIO] = 4
        m[shift[:, 0] < -at.MOTION_THRESHOLD], m[shift[:, 0] > at.MOTION_THRESHOLD] = 0, 1
        upright = (np.abs(shift[:, 1]) > np.abs(shift[:, 0])) & (np.abs(shift[:, 1]) > at.MOTION_THRESHOLD)
        m[upright] = np.where(shift[upright, 1] < 0, 2, 3)
        move[i, span[bigger]] = m[bigger]
    mean_x = mean_x / np.maximum(count, 1) + rng.normal(0, noise["jitter"], mean_x.shape)
    # A frame holds at most MAX_OBJECT_ROWS kinds; the generators put no more there.
    seen, seen_ids, extra = _report(rng, drawn, count, noise, busy)
    wide = lambda a: np.concatenate((a, np.zeros((extra, *a.shape[1:]), a.dtype))) if extra else a
    report = {"cells": wide(cells), "down": wide(rows_down), "x": wide(mean_x), "box": wide(box), "move": wide(move)}
    quartile = rng.uniform(0, 4, len(seen))
    report["score"] = np.interp(quartile, range(5), noise["score_true"])
    if extra:
        _invent(rng, report, n_classes)
        report["score"][n_classes:] = np.interp(quartile[n_classes:], range(5), noise["score_false"])
    dense, row_frame = with_roll_call(*make_rows(rng, seen_ids, seen, report, noise))
    scene_index, scene_value = _scenes(rng, frames)
    keep = count.any(1)
    return Timeline(times, np.asarray(drawn)[keep], count[keep], cells[keep], mean_x[keep], move[keep], dense, row_frame,
                    scene_index, scene_value)


def _bursts(rng, frames, rate, length):
    """Boolean [frames], True in bursts that start with `rate` a frame and last `length` frames on average."""
    hit = np.zeros(frames, bool)
    for first in np.flatnonzero(rng.random(frames) < rate):
        hit[first : first + rng.geometric(1 / max(length, 1.0))] = True
    return hit


def _report(rng, drawn, count, noise, busy):
    """What the detector says of `count`: [C + extra, F], the class ids, how many invented classes."""
    seen = count.copy()
    n_classes, frames = count.shape
    for i in range(n_classes):
        seen[i][_bursts(rng, frames, noise["vanish"] / (1 + count[i].max() * 0.5), noise["vanish_frames"])] = 0
        n = count[i]
        rate = np.where(n >= CROWD, noise["count_off_crowd"], np.where(n > 1, noise["count_off"],
                                                                      noise["count_off_single"] / 1.2))
        off = (rng.random(frames) < rate) & (seen[i] > 0)
        off[1:] |= off[:-1] & (rng.random(frames - 1) < 0.17) & (seen[i][1:] > 0) & (n[1:] < CROWD)
        step = rng.choice([-1, 1], frames)
        seen[i][off] += np.where(n[off] > 1, step[off], 1)
    ids = [int(c) for c in drawn]
    invented = []
    burst = _bursts(rng, frames, noise["spurious"], 1.0)
    for first in np.flatnonzero(burst):
        c = int(rng.choice(80, p=CLASS_WEIGHTS))
        row = np.zeros(frames, np.int32)
        row[first : first + rng.geometric(1 / noise["spurious_frames"])] = 1
        if c in ids:
            i = ids.index(c)
            if i < n_classes:
                seen[i] += row
        elif busy or len(ids) < at.MAX_OBJECT_ROWS:
            row[(seen > 0).sum(0) >= at.MAX_OBJECT_ROWS] = 0  # vision keeps those that were there before
            ids.append(c)
            invented.append(row)
    if invented:
        seen = np.concatenate((seen, np.stack(invented)))
    return seen, np.array(ids, int), len(invented)


def _invent(rng, report, first):
    """Places of the invented classes' boxes."""
    for i in range(first, len(report["x"])):
        x, y = rng.uniform(0.05, 0.95, 2)
        report["cells"][i, :, int(x * 3)] = True
        report["down"][i, :, int(y * 3)] = True
        report["x"][i] = x
        report["box"][i] = (x, y, *rng.uniform(0.05, 0.3, 2))
        report["move"][i] = 5


def make_rows(rng, ids, seen, report, noise):
    """The rows of vision/token_rows.cpp: per frame one for each class just gone, with the time when it was last seen,
    one scene row, and one object row a class."""
    n, frames = seen.shape
    before = np.concatenate((np.zeros((n, 1), seen.dtype), seen[:, :-1]), 1)
    appeared = (before == 0) & (seen > 0)
    gone = (before > 0) & (seen == 0)
    ordinal = appeared.cumsum(1)
    best = np.maximum.accumulate(seen, 1) if n else seen
    record = seen > np.concatenate((np.zeros((n, 1), seen.dtype), best[:, :-1]), 1)
    first_ever = appeared & (ordinal == 1)
    x = report["x"]

    i, f = np.nonzero((seen > 0) | gone)
    is_gone = gone[i, f]
    order = np.lexsort((np.where(is_gone, ids[i], x[i, f]), ~is_gone, f))
    i, f, is_gone = i[order], f[order], is_gone[order]
    groups = np.bincount(f[~is_gone], minlength=frames)
    left = np.bincount(f[is_gone], minlength=frames)
    first_row = np.concatenate(([0], (groups + left + 1).cumsum()))
    rows = np.zeros((first_row[-1], at.DENSE), np.float32)
    row_frame = np.repeat(np.arange(frames), groups + left + 1)
    scene = first_row[:-1] + left
    rows[scene, at.IS_SCENE] = 1
    rows[scene[:, None], at.COUNT + np.minimum(groups, 8)[:, None]] = 1
    rows[0, at.CUT] = 1
    for k in range(n):
        rows[scene, at.CLASS + ids[k]] = np.minimum(seen[k], 8) / 2
    rows[first_row[1:] - 1, at.LAST_OF_FRAME] = 1
    if not len(i):
        _count_events(rows, scene, np.zeros(frames, int), at.EVENTS_BEFORE)
        return rows, row_frame

    starts = np.concatenate(([0], np.bincount(f, minlength=frames).cumsum()))
    k = np.arange(len(f)) - starts[f]
    rank = k - left[f]
    r = first_row[f] + k + ~is_gone
    row_frame[r[is_gone]] -= 1
    rows[r, at.IS_OBJECT] = 1
    rows[r, at.CLASS + ids[i]] = 1
    rows[r, at.COUNT + np.minimum(seen[i, f], 8)] = 1
    rows[r, at.APPEARED] = appeared[i, f]
    rows[r, at.GONE] = is_gone
    rows[r, at.MORE] = (seen[i, f] > before[i, f]) & (before[i, f] > 0)
    rows[r, at.FEWER] = (seen[i, f] < before[i, f]) & (seen[i, f] > 0)
    rows[r, at.FIRST_EVER] = first_ever[i, f]
    rows[r, at.RECORD] = record[i, f]
    rows[r, at.ORDINAL + np.clip(ordinal[i, f], 1, 8) - 1] = 1
    first_rank = np.zeros(n, int)
    debuts = np.flatnonzero(first_ever[i, f])
    for k, j in enumerate(debuts):
        first_rank[i[j]] = k
        rows[r[j], at.dense(at.PREVIOUS + ids[i[debuts[k - 1]]] if k else at.NO_PREVIOUS)] = 1
    rows[r, at.FIRST_RANK + np.minimum(first_rank[i], 11)] = 1
    rows[r, at.MOST + np.minimum(best[i, f], 8)] = 1
    rows[r, at.FIRST_RANK_PART] = (first_rank[i] + 1) / at.FIRST_RANK_UNIT
    here = ~is_gone
    rows[r[here], at.RANK + np.minimum(rank[here], 7)] = 1
    beside = np.flatnonzero(here & (rank > 0))
    rows[r[beside], at.dense(at.NEIGHBOUR + ids[i[beside - 1]])] = 1
    last = np.where(is_gone, np.maximum(f - 1, 0), f)  # a gone row tells where it was
    for k in range(3):
        rows[r, at.LEFT + k] = report["cells"][i, last, k]
        rows[r, at.TOP + k] = report["down"][i, last, k]
    event = is_gone | appeared[i, f]
    number = event.cumsum()
    _count_events(rows, r[event], number[event] - 1, at.EVENTS_BEFORE)
    _count_events(rows, r[event], number[event], at.EVENTS_WITH)
    _count_events(rows, scene, np.concatenate(([0], number))[starts[1:]], at.EVENTS_BEFORE)
    box = report["box"][i, last]
    rows[r, at.BOX : at.BOX + 4] = box + rng.normal(0, noise["jitter"], box.shape)
    rows[r, at.SCORE] = np.clip(report["score"][i] + rng.normal(0, 0.05, len(r)), 0.2, 1)
    rows[r, at.SIZE] = np.sqrt(np.maximum(box[:, 2] * box[:, 3], 0))
    rows[r, at.MOTION + report["move"][i, last]] = 1
    return rows, row_frame


def with_roll_call(rows, row_frame):
    """What a question finds at the end (engine/roll_call.h): of each kind, in their order, the last row about it once more."""
    objects = np.flatnonzero(rows[:, at.IS_OBJECT])
    kinds = rows[objects, at.CLASS : at.CLASS + at.CLASSES].argmax(1)
    last = np.array([objects[kinds == kind][-1] for kind in np.unique(kinds)], int)
    again = rows[last].copy()
    again[:, at.ROLL] = 1
    return np.concatenate((rows, again)), np.concatenate((row_frame, row_frame[last]))


def _count_events(rows, index, number, column):
    first = at.dense(column)
    for modulus in at.EVENT_MODULI:
        rows[index, first + number % modulus] = 1
        first += modulus


def _scenes(rng, frames):
    """Five scene classes a frame, steady over stretches."""
    index = np.zeros((frames, at.SCENE_KEPT), np.int64)
    value = np.zeros((frames, at.SCENE_KEPT), np.float32)
    first = 0
    while first < frames:
        last = frames if rng.random() < 0.5 else min(frames, first + int(rng.integers(2, 60)))
        p = np.sort(rng.dirichlet(np.full(8, 0.4)))[::-1][: at.SCENE_KEPT] * rng.uniform(0.5, 1)
        index[first:last] = rng.choice(at.SCENE_CLASSES, at.SCENE_KEPT, replace=False)
        value[first:last] = p
        first = last
    return index, value
