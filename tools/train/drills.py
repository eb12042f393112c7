"""Drills, for training only: many look-ups a sequence, each asked by the row just before its answer (DESIGN, "ask many
times at once"). A drill is (question, [(prompt, answer)]): the prompts are given, only the answers are learnt."""

from .classes import NAMES
from .questions import debut, number, places, plural, single, stamp


def _drill(w, rng, name, fact):
    asked = w.ask_time(rng)
    if not asked:
        return None
    second, f = asked
    items = []
    for _ in range(int(rng.integers(4, 11))):
        c, i = w.ask_class(rng, absent=0.3)
        word = plural(c, rng) if rng.random() < 0.5 else single(c, rng)
        items.append((word, fact(i, f)))
    return name.format(t=stamp(second)), items


def drill_is(w, rng):
    return _drill(w, rng, "each is in the video", lambda i, f: "no" if i is None else "yes")


def drill_is_at(w, rng):
    return _drill(w, rng, "each is at {t}", lambda i, f: "yes" if i is not None and w.present[i, f] else "no")


def drill_count(w, rng):
    return _drill(w, rng, "each count at {t}", lambda i, f: number(int(w.count[i, f]) if i is not None else 0))


def drill_most(w, rng):
    return _drill(w, rng, "each most", lambda i, f: number(int(w.count[i].max()) if i is not None else 0))


def drill_where(w, rng):
    return _drill(w, rng, "each where at {t}", lambda i, f: "nowhere" if i is None or not w.present[i, f]
                  else places(w.t.cells[i, f]))


def drill_first(w, rng):
    return _drill(w, rng, "each first", lambda i, f: "never" if i is None else stamp(w.times[w.first[i]]))


def drill_last(w, rng):
    return _drill(w, rng, "each last", lambda i, f: "never" if i is None else stamp(w.times[w.last[i]]))


def drill_often(w, rng):
    return _drill(w, rng, "each how often", lambda i, f: number(len(w.stays(i)) if i is not None else 0))


def drill_after(w, rng):
    """After a class its next: walks along the order in which things first came."""
    line = [NAMES[w.classes[i]] for i in debut(w)]
    if len(line) < 2:
        return None
    items = [(line[k], line[k + 1] if k + 1 < len(line) else "nothing") for k in rng.permutation(len(line))]
    return "each next", items


def drill_times(w, rng):
    """What is visible at many times, each a time row."""
    asked = [w.ask_time(rng) for _ in range(int(rng.integers(3, 9)))]
    items = [(stamp(s), w.what(f)) for s, f in filter(None, asked)]
    return ("each time", items) if items else None


DRILLS = {f.__name__: f for f in (drill_is, drill_is_at, drill_count, drill_most, drill_where, drill_first, drill_last,
                                  drill_often, drill_after, drill_times)}
