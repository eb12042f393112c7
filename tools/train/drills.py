"""Drills, for training only: many look-ups a sequence, each asked by the row just before its answer. A drill is (question, [(prompt, answer[, rest])]): the prompts are given, only the answers are learnt;
rest: what the answer rests on (questions.py)."""

import numpy as np

from . import phrases
from .classes import NAMES, article
from .compare import SIDES, on, two
from .questions import (MOVES, a_word, debut, event_row, first_rows, neighbour_row, next_event_index, places, plural, say,
                        single)
from .world import chain, item, number, pick, stamp


def _drill(w, rng, name, fact, rest=lambda i: -1):
    asked = w.ask_time(rng)
    if not asked:
        return None
    second, f = asked
    here = np.flatnonzero(w.present[:, f])
    items = []
    for _ in range(int(rng.integers(4, 11))):
        c, i = w.ask_class(rng, absent=0.4)
        if len(here) and rng.random() < 0.3:
            i = int(rng.choice(here))
            c = int(w.classes[i])
        word = plural(c, rng) if rng.random() < 0.5 else single(c, rng)
        items.append((word, fact(i, f), -1 if i is None else rest(i)))
    return name.format(t=stamp(second)), items


def drill_is(w, rng):
    return _drill(w, rng, "each is in the video", lambda i, f: "no" if i is None else "yes", w.roll)


def drill_is_at(w, rng):
    return _drill(w, rng, "each is at {t}", lambda i, f: "yes" if i is not None and w.present[i, f] else "no")


def drill_count(w, rng):
    return _drill(w, rng, "each count at {t}", lambda i, f: number(int(w.count[i, f]) if i is not None else 0))


def drill_most(w, rng):
    return _drill(w, rng, "each most", lambda i, f: number(int(w.count[i].max()) if i is not None else 0), w.roll)


def drill_most_when(w, rng):
    top = lambda i: int(w.count[i].argmax())
    return _drill(w, rng, "each most when", lambda i, f: "never" if i is None else stamp(w.times[top(i)]),
                  lambda i: (w.row(i, top(i)), w.roll(i)))


def drill_reach(w, rng):
    """When so many of a kind are first there at once."""
    several = [i for i in range(len(w.classes)) if w.count[i].max() > 1]
    items = []
    for _ in range(8 if several else 0):
        i = several[int(rng.integers(len(several)))]
        most = min(int(w.count[i].max()), 7)
        n = int(rng.integers(1, most + 1)) if rng.random() < 0.85 else most + 1
        f = int((w.count[i] >= n).argmax())
        seen = n <= w.count[i].max()
        items.append((f"{number(n)} {plural(int(w.classes[i]), rng)}", stamp(w.times[f]) if seen else "never",
                      w.row(i, f) if seen else -1))
    return ("each reached", items) if items else None


def drill_group(w, rng):
    mine = lambda name: np.flatnonzero(np.isin(w.classes, list(phrases.GROUPS[name][1])))
    names = [pick(rng, [name, one]) for name, (one, _) in phrases.GROUPS.items()]
    found = [mine(name) for name in phrases.GROUPS]
    return "each group", [(names[k], "yes" if len(found[k]) else "no", two(w.roll(i) for i in found[k]))
                          for k in rng.permutation(len(names))]


def drill_side(w, rng):
    """What is on one side of the picture, each by what stands there to its left: the steps of side_at."""
    asked = w.ask_full_time(rng, 4)
    if not asked:
        return None
    side = int(rng.integers(3))
    here = on(w, asked[1], side)
    names = [NAMES[w.classes[i]] for i in here] + ["nothing"]
    rests = chain([w.row(i, asked[1]) for i in here], w.scene(asked[1]))
    items = [("first", names[0], rests[0])] + [(names[k], names[k + 1], rests[k + 1]) for k in rng.permutation(len(here))]
    return f"each {SIDES[side][0]} at {stamp(asked[0])}", items


def drill_where(w, rng):
    return _drill(w, rng, "each where at {t}", lambda i, f: "nowhere" if i is None or not w.present[i, f]
                  else places(w.t.cells[i, f]))


def drill_first(w, rng):
    return _drill(w, rng, "each first", lambda i, f: "never" if i is None else stamp(w.times[w.first[i]]),
                  lambda i: w.row(i, w.first[i]))


def drill_last(w, rng):
    return _drill(w, rng, "each last", lambda i, f: "never" if i is None else stamp(w.times[w.last[i]]), w.roll)


def drill_often(w, rng):
    return _drill(w, rng, "each how often", lambda i, f: number(len(w.stays(i)) if i is not None else 0), w.roll)


def drill_where_last(w, rng):
    return _drill(w, rng, "each where", lambda i, f: "nowhere" if i is None else places(w.t.cells[i, w.last[i]]), w.roll)


def drill_moves(w, rng):
    """Of several the largest, as in questions.moves."""
    return _drill(w, rng, "each moves", lambda i, f: "nowhere" if i is None else MOVES[int(w.t.motion[i, w.last[i]])][:-1],
                  w.roll)


def _walk(w, rng, name, step):
    """Neighbours in the order in which kinds first came."""
    debuts = debut(w)
    line = [int(w.classes[i]) for i in debuts]
    if len(line) < 2:
        return None
    of = lambda k: NAMES[line[k]] if 0 <= k < len(line) else "nothing"
    rest = lambda k: (neighbour_row(w, debuts, int(k), step), w.row(debuts[k], w.first[debuts[k]]))
    return name, [(single(line[k], rng), of(k + step), rest(k)) for k in rng.permutation(len(line))[:8]]


def drill_after(w, rng):
    return _walk(w, rng, "each next", 1)


def drill_before(w, rng):
    return _walk(w, rng, "each before", -1)


def drill_earlier(w, rng):
    """Which of two came first."""
    if len(w.classes) < 2:
        return None
    items = []
    for _ in range(8):
        i, j = rng.choice(len(w.classes), 2, replace=False)
        if w.first[i] == w.first[j]:
            continue
        a, b = (a_word(int(w.classes[k]), rng) for k in (i, j))
        said = say(rng, "earlier", a=a, b=b) if rng.random() < 0.7 else f"{a} before {b}"
        items.append((said, "yes" if w.first[i] < w.first[j] else "no", first_rows(w, i, j)))
    return ("each earlier", items) if items else None


def drill_stays(w, rng):
    """From the beginning of a stay to its end."""
    stays = [(i, a, b) for i in range(len(w.classes)) for a, b in w.stays(i)]
    if not stays:
        return None
    items = []
    for k in rng.permutation(len(stays))[:8]:
        i, a, b = stays[k]
        items.append((f"{NAMES[w.classes[i]]} from {stamp(w.times[a])} to", stamp(w.times[b]), (w.end_row(i, b), w.row(i, a))))
    return "each stay", items


def _said(w, event):
    frame, new, i = event
    return f"{article(NAMES[w.classes[i]])} {'appears' if new else 'leaves'} at {stamp(w.times[frame])}"


def drill_events(w, rng):
    """After an event its next."""
    events = w.events(0, w.frames - 1)
    if not events:
        return None
    items = []
    for k in rng.permutation(len(events))[:6]:
        said = _said(w, events[k + 1]) if k + 1 < len(events) else "nothing"
        items.append((_said(w, events[k]), said, (event_row(w, events, k + 1), event_row(w, events, k))))
    return "each event next", items


def drill_next_event(w, rng):
    """The first event after a time."""
    events = w.events(0, w.frames - 1)
    items = []
    for _ in range(6):
        f = int(rng.integers(w.frames))
        if w.times[f] % 1:
            continue
        k = next_event_index(events, f)
        items.append((stamp(w.times[f]), _said(w, events[k]) if k < len(events) else "nothing",
                      (event_row(w, events, k), w.scene(f))))
    return ("each first event", items) if items else None


def drill_until(w, rng):
    """Whether a time, or an event, has an event after it until a second time."""
    events = w.events(0, w.frames - 1)
    items = []
    for _ in range(8):
        span = w.span(rng)
        if not span:
            continue
        k = next_event_index(events, span[0])
        said, via = stamp(w.times[span[0]]), w.scene(span[0])
        if k < len(events) and events[k][0] <= span[1] and rng.random() < 0.6:
            said, via = _said(w, events[k]), event_row(w, events, k)
            k += 1
        # What leaves in the last frame of a span does so behind it.
        more = k < len(events) and (events[k][0] < span[1] or (events[k][0] == span[1] and events[k][1]))
        items.append((f"{said} until {stamp(w.times[span[1]])}", "more" if more else "nothing",
                      (event_row(w, events, k) if more else w.scene(span[1]), via, w.scene(span[1]))))
    return ("each event until", items) if items else None


def drill_times(w, rng):
    """What is visible at many times, each a time row."""
    asked = [w.ask_time(rng) for _ in range(int(rng.integers(3, 9)))]
    items = [(stamp(s), w.what(f)) for s, f in filter(None, asked)]
    return ("each time", items) if items else None


def drill_list(w, rng):
    """What is visible at a full time, each by what stands to its left: the steps of which a list is made."""
    asked = w.ask_full_time(rng, 4)
    if not asked:
        return None
    second, f = asked
    here = w.visible(f)
    said = [item(w.classes[i], w.count[i, f]) for i in here] + ["nothing"]
    rests = chain([w.row(i, f) for i in here])
    items = [(said[k], said[k + 1], rests[k + 1]) for k in rng.permutation(len(here))]
    return (f"each list at {stamp(second)}", items) if len(items) > 1 else None


DRILLS = {f.__name__: f for f in (drill_is, drill_is_at, drill_count, drill_most, drill_most_when, drill_reach, drill_group,
                                  drill_side, drill_where, drill_first, drill_last, drill_often, drill_where_last,
                                  drill_moves, drill_after, drill_before, drill_earlier, drill_stays, drill_events,
                                  drill_next_event, drill_until, drill_times, drill_list)}
