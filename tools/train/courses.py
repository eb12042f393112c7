"""Questions about the course of things: when they are most, whether they come back, what happens next, with their exact
answers (questions.py)."""

import numpy as np

from .classes import NAMES, article
from .questions import a_word, debut, event_row, event_text, next_event_index, plural, say, single
from .world import WORDS, stamp, yes


def most_when(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    text = say(rng, "most_when", p=plural(c, rng))
    if i is None:
        return text, "never."
    f = int(w.count[i].argmax())
    return text, f"at {stamp(w.times[f])}.", [(w.row(i, f), w.roll(i))]


def reach(w, rng):
    """When so many, or more than so many, are first there at once."""
    c, i = w.ask_class(rng, absent=0.03)
    most = int(w.count[i].max()) if i is not None else 0
    if i is not None and most < 2 and rng.random() < 0.7:
        return None
    n = int(rng.integers(2, min(max(most, 2), 7) + 1)) if rng.random() < 0.8 else int(rng.integers(2, 8))
    more = n > 1 and rng.random() < 0.4
    text = say(rng, "reach_more" if more else "reach", n=WORDS[n - more], p=plural(c, rng))
    if n > most:
        return text, "never."
    f = int((w.count[i] >= n).argmax())
    return text, f"at {stamp(w.times[f])}.", [w.row(i, f)]


def next_event(w, rng):
    """The first event after a time."""
    asked = w.ask_time(rng)
    if not asked or asked[0] != w.times[asked[1]]:
        return None
    second, f = asked
    events = w.events(0, w.frames - 1)
    k = next_event_index(events, f)
    event = events[k : k + 1]
    said = event_text(w, event) if event else "nothing changes."
    return say(rng, "next_event", t=stamp(second)), said, [(event_row(w, events, k), w.scene(f))]


def last_event(w, rng):
    event = w.events(0, w.frames - 1)[-1:]
    rests = [(event_row(w, event, 0), w.scene(w.frames - 1))] if event else []
    return say(rng, "last_event"), event_text(w, event) if event else "nothing changes.", rests


def appears_last(w, rng):
    line = debut(w)[-1:]
    said = article(NAMES[w.classes[line[0]]]) if line else "nothing"
    return say(rng, "appears_last"), said + ".", [w.row(i, w.first[i]) for i in line]


def returns(w, rng):
    several = [i for i in range(len(w.classes)) if len(w.stays(i)) > 1]
    c, i = w.ask_class(rng, absent=0.1)
    if several and rng.random() < 0.5:
        i = several[int(rng.integers(len(several)))]
        c = int(w.classes[i])
    text = say(rng, "returns", a=a_word(c, rng), s=single(c, rng))
    return (text, "no.") if i is None else (text, yes(len(w.stays(i)) > 1), [w.roll(i)])


def leaves(w, rng):
    """Whether what was there is gone at the end."""
    c, i = w.ask_class(rng, absent=0.1)
    text = say(rng, "leaves", a=a_word(c, rng), s=single(c, rng), p=plural(c, rng))
    return (text, "no.") if i is None else (text, yes(not w.present[i, -1]), [w.roll(i)])


def whole_time(w, rng):
    always = np.flatnonzero(w.present.all(1)) if len(w.classes) else []
    c, i = w.ask_class(rng, absent=0.05)
    if len(always) and rng.random() < 0.5:
        i = int(always[int(rng.integers(len(always)))])
        c = int(w.classes[i])
    text = say(rng, "whole_time", a=a_word(c, rng), s=single(c, rng), p=plural(c, rng))
    return text, yes(i is not None and w.present[i].all()), [] if i is None else [w.roll(i)]


def anything_at(w, rng):
    """Whether something, or nothing, is there."""
    tries = [x for x in (w.ask_time(rng) for _ in range(6 if rng.random() < 0.6 else 1)) if x]
    if not tries:
        return None
    second, f = min(tries, key=lambda x: w.present[:, x[1]].sum())
    there = bool(w.present[:, f].any())
    if rng.random() < 0.5:
        return say(rng, "anything_at", t=stamp(second)), yes(there), [w.scene(f)]
    return say(rng, "empty_at", t=stamp(second)), yes(not there), [w.scene(f)]


KINDS = {f.__name__: f for f in (most_when, reach, next_event, last_event, appears_last, returns, leaves, whole_time,
                                 anything_at)}
