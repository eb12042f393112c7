"""Questions that hold two things against each other: two kinds, two times, a kind against a side, a direction or a group, with
their exact answers (questions.py). Where a verdict would follow from what is counted or seen, that is said and no more: "two
cars and seven people." to whether there are more cars. Counts were learnt, whether two is more than seven was not: a ", so
no." behind them stayed wrong through 650 steps, and of a drill of nothing else 0.58 were right after 150."""

import numpy as np

from . import phrases
from .classes import NAMES, PLURALS, article
from .questions import a_word, first_rows, places, plural, say, single
from .world import chain, item, listed, number, pick, stamp, yes

SIDES = [["on the left", "on the left side", "at the left"], ["in the middle", "in the centre", "in the center"],
         ["on the right", "on the right side", "at the right"]]
WAYS = [["to the left", "left"], ["to the right", "right"], ["up", "upwards"], ["down", "downwards"],
        ["towards the camera", "closer", "towards us"]]


def _words(rng, c, d):
    return {"a": a_word(c, rng), "p": plural(c, rng), "s": single(c, rng), "b": a_word(d, rng), "q": plural(d, rng),
            "z": single(d, rng)}


def _other(w, rng, c, absent):
    """A second class and its index."""
    for _ in range(8):
        d, j = w.ask_class(rng, absent)
        if d != c:
            return d, j
    return None, None


def _pair_at(w, rng, absent, other_absent, seen=0.4):
    """A time and two classes, which are a share `seen` of the time both there then."""
    if rng.random() < seen:
        asked = w.ask_full_time(rng, 3)
        here = w.visible(asked[1]) if asked else []
        if len(here) > 1:
            i, j = (int(k) for k in rng.choice(here, 2, replace=False))
            return asked, (int(w.classes[i]), i), (int(w.classes[j]), j)
    asked, (c, i) = w.ask_both(rng, absent)
    d, j = _other(w, rng, c, other_absent)
    if not asked or d is None:
        return None
    return (asked, (c, i), (d, j)) if rng.random() < 0.5 else (asked, (d, j), (c, i))


def _at(w, i, f):
    return int(w.count[i, f]) if i is not None else 0


def _row(w, i, f):
    return w.row(i, f) if _at(w, i, f) else -1


def counts(kinds, numbers):
    """"two cars and no people"."""
    return listed([item(c, n) if n else f"no {PLURALS[c]}" for c, n in zip(kinds, numbers)])


def _counted(w, kinds, f):
    """What is counted, and the rows of both."""
    return counts([c for c, _ in kinds], [_at(w, i, f) for _, i in kinds]), [_row(w, i, f) for _, i in kinds]


def either(w, rng):
    c, i = w.ask_class(rng, absent=0.6)
    d, j = _other(w, rng, c, 0.75)
    return d is not None and (say(rng, "either", **_words(rng, c, d)), yes(i is not None or j is not None)) or None


def either_at(w, rng):
    made = _pair_at(w, rng, 0.4, 0.6, seen=0.1)
    if not made:
        return None
    (second, f), (c, i), (d, j) = made
    rests = [(-1, _row(w, i, f), _row(w, j, f))]
    return say(rng, "either_at", t=stamp(second), **_words(rng, c, d)), yes(_at(w, i, f) or _at(w, j, f)), rests


def both(w, rng):
    c, i = w.ask_class(rng, absent=0.2)
    d, j = _other(w, rng, c, 0.35)
    return d is not None and (say(rng, "both", **_words(rng, c, d)), yes(i is not None and j is not None)) or None


def both_at(w, rng):
    made = _pair_at(w, rng, 0.1, 0.15)
    if not made:
        return None
    (second, f), (c, i), (d, j) = made
    rests = [(-1, _row(w, i, f), _row(w, j, f))]
    return say(rng, "both_at", t=stamp(second), **_words(rng, c, d)), yes(_at(w, i, f) and _at(w, j, f)), rests


def count_two(w, rng):
    made = _pair_at(w, rng, 0.05, 0.15)
    if not made:
        return None
    (second, f), *kinds = made
    said, rests = _counted(w, kinds, f)
    return say(rng, "count_two", t=stamp(second), **_words(rng, kinds[0][0], kinds[1][0])), said + ".", rests


def more_of(w, rng):
    """Of two kinds, at a time or at the end."""
    made = _pair_at(w, rng, 0.05, 0.1)
    if not made:
        return None
    (second, f), (c, i), (d, j) = made
    kind = pick(rng, ["more_of", "more_of_at", "more_of_at", "fewer_of_at"])
    f = w.frames - 1 if kind == "more_of" else f
    said, rests = _counted(w, ((c, i), (d, j)), f)
    return say(rng, kind, t=stamp(second), **_words(rng, c, d)), said + ".", rests


def more_at(w, rng):
    """Of one kind, at two times."""
    asked, (c, i) = w.ask_both(rng, absent=0.03)
    other = w.ask_time(rng, i)
    if not asked or not other or asked[0] == other[0]:
        return None
    kind = pick(rng, ["more_at_than", "more_at_than", "fewer_at_than", "increase", "increase", "decrease"])
    if kind in ("increase", "decrease"):
        asked, other = sorted((asked, other))
    text = say(rng, kind, p=plural(c, rng), t=stamp(asked[0]), u=stamp(other[0]))
    times = asked[1], other[1]
    return text, " and ".join(number(_at(w, i, f)) for f in times) + ".", [_row(w, i, f) for f in times]


def which_first(w, rng):
    if len(w.classes) < 2:
        return None
    i, j = (int(k) for k in rng.choice(len(w.classes), 2, replace=False))
    if w.first[i] == w.first[j]:
        return None
    text = say(rng, "which_first", **_words(rng, int(w.classes[i]), int(w.classes[j])))
    i, j = (i, j) if w.first[i] < w.first[j] else (j, i)
    return text, article(NAMES[w.classes[i]]) + ".", [first_rows(w, i, j)]


def moves_to(w, rng):
    c, i = w.ask_class(rng, absent=0.05)
    to = int(w.t.motion[i, w.last[i]]) if i is not None else 5
    asked = to if to < 5 and rng.random() < 0.75 else int(rng.integers(5))
    text = say(rng, "moves_to", s=single(c, rng), p=plural(c, rng), d=pick(rng, WAYS[asked]))
    return text, yes(to == asked), [] if i is None else [w.roll(i)]


def on_side(w, rng):
    """Where it is, at a time or when it was last seen; the verdict is the asker's."""
    asked, (c, i) = w.ask_both(rng, absent=0.05)
    side = int(rng.integers(3))
    words = {"a": a_word(c, rng), "s": single(c, rng), "p": plural(c, rng), "d": pick(rng, SIDES[side])}
    ever = rng.random() < 0.4
    if not ever and not asked:
        return None
    text = say(rng, "on_side", **words) if ever else say(rng, "on_side_at", t=stamp(asked[0]), **words)
    if i is None or not (ever or w.present[i, asked[1]]):
        return text, "no."
    f, row = (w.last[i], w.roll(i)) if ever else (asked[1], w.row(i, asked[1]))
    return text, places(w.t.cells[i, f]) + ".", [row] * 3


def on(w, f, side):
    """What is on a side in a frame, from left to right."""
    return [i for i in w.visible(f) if w.t.cells[i, f, side]]


def side_at(w, rng):
    """The kinds of which one is on a side; how many of them are there is in no row, only whether it is one alone."""
    asked = w.ask_full_time(rng, 3)
    if not asked:
        return None
    second, f = asked
    side = int(rng.integers(3))
    here = on(w, f, side)
    said = [article(NAMES[w.classes[i]]) if w.count[i, f] == 1 else PLURALS[w.classes[i]] for i in here]
    text = say(rng, "side_at", t=stamp(second), d=pick(rng, SIDES[side]))
    return text, (listed(said) if said else "nothing") + ".", chain([w.row(i, f) for i in here], w.scene(f))


def two(rows):
    """The first two rows, as those by which an answer is found."""
    return (-1, *rows, -1, -1)[:3]


def is_group(w, rng):
    """Whether an animal, a vehicle, furniture or food is there, at a time or at all."""
    names = list(phrases.GROUPS)
    there = [name for name in names if np.isin(w.classes, list(phrases.GROUPS[name][1])).any()]
    name = pick(rng, there if there and rng.random() < 0.55 else names)
    one, members = phrases.GROUPS[name]
    mine = np.isin(w.classes, list(members))
    if rng.random() < 0.5:
        return say(rng, "is_group", g=name, h=one), yes(mine.any()), [two(w.roll(i) for i in np.flatnonzero(mine))]
    asked = w.ask_time(rng, pick(rng, np.flatnonzero(mine)) if mine.any() else None)
    if not asked:
        return None
    there = [i for i in w.visible(asked[1]) if mine[i]]
    text = say(rng, "is_group_at", g=name, h=one, t=stamp(asked[0]))
    return text, yes(there), [two(w.row(i, asked[1]) for i in there)]


KINDS = {f.__name__: f for f in (either, either_at, both, both_at, count_two, more_of, more_at, which_first, moves_to, on_side,
                                 side_at, is_group)}
