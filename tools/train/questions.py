"""Questions about a timeline with their exact answers, from its truth.

`KINDS` maps a kind's name to a function (world, rng) -> (question, answer[, rests]) or None where it does not apply.
Texts hold times as `{seconds}`; phrases are lower case without closing marks, as engine/prompt.cpp normalises what people
type. A time asks for the frame shown then: the last one at or before it. `rests`: the video's row that each part of the
answer rests on (a part begins with a comma, "and", "to" or a full stop), -1 where there is none, or (row, via, until) with the
rows by which it is found (world.chain); training shows attention where to look.
"""

import numpy as np

from . import phrases
from .classes import NAMES, PLURAL_WORDS, SINGULAR_WORDS, article
from .timeline import CLASS_WEIGHTS
from .world import WORDS, chain, listed, number, pick, stamp

MOST_EVENTS = 3


def told(parts):
    """In the order of time; with "and", a part would have to know that it is the last but one (README.md)."""
    return ", ".join(parts) + "."


def single(c, rng):
    words = SINGULAR_WORDS[c]
    return words[0] if rng.random() < 0.6 else words[int(rng.integers(len(words)))]


def plural(c, rng):
    words = PLURAL_WORDS[c]
    return words[0] if rng.random() < 0.6 else words[int(rng.integers(len(words)))]


def a_word(c, rng):
    word = single(c, rng)
    if rng.random() < 0.1 and word == NAMES[c]:
        return word
    return article(word)


POLITE = 0.08  # share of questions with "tell me", "please" and the like around them


def say(rng, kind, **words):
    how = rng.random() / POLITE
    options = phrases.PHRASES[kind]
    if how < 0.4 and kind in phrases.EMBEDDED:
        text = f"{pick(rng, phrases.ASKING)} {pick(rng, phrases.EMBEDDED[kind])}"
    elif how < 0.6:
        text = f"{pick(rng, phrases.ASKING)}, {pick(rng, options)}"
    elif how < 0.8:
        text = f"{pick(rng, phrases.BEFORE)} {pick(rng, options)}"
    else:
        text = pick(rng, options) + (f" {pick(rng, phrases.BEHIND)}" if how < 1 else "")
    return text.format(**words)


def _person_word(c, rng, plain):
    """Somebody, anyone: words that only a person has."""
    if c == 0 and rng.random() < 0.15:
        return ["anyone", "anybody", "someone", "somebody"][int(rng.integers(4))]
    return plain


def visible_at(w, rng):
    """More than half of them at the fullest of four times: long lists are rare, and the hardest to tell."""
    asked = w.ask_full_time(rng, 4 if rng.random() < 0.6 else 1)
    return asked and (say(rng, "visible_at", t=stamp(asked[0])), w.what(asked[1]), w.rests(asked[1]))


def visible_now(w, rng):
    if rng.random() < 0.3:
        return say(rng, "visible_start"), w.what(0), w.rests(0)
    return say(rng, "visible_now"), w.what(w.frames - 1), w.rests(w.frames - 1)


def is_at(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.4)
    if not asked:
        return None
    yes = i is not None and w.present[i, asked[1]]
    return say(rng, "is_at", a=_person_word(c, rng, a_word(c, rng)), t=stamp(asked[0])), "yes." if yes else "no."


def is_now(w, rng):
    c, i = w.ask_class(rng, absent=0.6)
    yes = i is not None and w.present[i, -1]
    return say(rng, "is_now", a=_person_word(c, rng, a_word(c, rng))), "yes." if yes else "no."


def is_video(w, rng):
    c, i = w.ask_class(rng, absent=0.5)
    text = say(rng, "is_video", a=_person_word(c, rng, a_word(c, rng)), p=plural(c, rng))
    return (text, "no.") if i is None else (text, "yes.", [w.roll(i)])


def is_between(w, rng):
    span, (c, i) = w.span(rng), w.ask_class(rng, absent=0.2)
    if not span:
        return None
    yes = i is not None and w.present[i, span[0] : span[1] + 1].any()
    text = say(rng, "is_between", a=_person_word(c, rng, a_word(c, rng)), t=stamp(w.times[span[0]]), u=stamp(w.times[span[1]]))
    return text, "yes." if yes else "no."


def more_than(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.1)
    if not asked:
        return None
    now = rng.random() < 0.4
    f = w.frames - 1 if now else asked[1]
    n = int(w.count[i, f]) if i is not None else 0
    than = max(0, min(6, n + int(rng.integers(-2, 2))))
    kind = "more_than_now" if now else "more_than_at"
    word = plural(c, rng)
    return say(rng, kind, n=WORDS[than] if than else "zero", p=word, t=stamp(asked[0])), "yes." if n > than else "no."


def count_at(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.1)
    if not asked:
        return None
    n = int(w.count[i, asked[1]]) if i is not None else 0
    text = say(rng, "count_at", p=plural(c, rng), t=stamp(asked[0]))
    return text, number(n) + ".", [w.row(i, asked[1])] if n else []


def count_now(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    start = rng.random() < 0.25
    n = int(w.count[i, 0 if start else -1]) if i is not None else 0
    return say(rng, "count_start" if start else "count_now", p=plural(c, rng)), number(n) + "."


def count_most(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    text = say(rng, "count_most", p=plural(c, rng))
    return (text, "none.") if i is None else (text, number(int(w.count[i].max())) + ".", [w.roll(i)])


def first(w, rng):
    c, i = w.ask_class(rng, absent=0.15)
    text = say(rng, "first", a=_person_word(c, rng, a_word(c, rng)), s=single(c, rng), p=plural(c, rng))
    return (text, "never.") if i is None else (text, f"at {stamp(w.times[w.first[i]])}.", [w.row(i, w.first[i])])


def last(w, rng):
    c, i = w.ask_class(rng, absent=0.15)
    text = say(rng, "last", a=_person_word(c, rng, a_word(c, rng)), s=single(c, rng), p=plural(c, rng))
    return (text, "never.") if i is None else (text, f"at {stamp(w.times[w.last[i]])}.", [w.roll(i)])


def intervals(w, rng):
    c, i = w.ask_class(rng, absent=0.15)
    text = say(rng, "intervals", a=a_word(c, rng), s=single(c, rng), p=plural(c, rng))
    if i is None:
        return text, "never."
    stays = w.stays(i)
    if len(stays) > 3:
        return None
    said, rests, ended = [], [], -1
    for a, b in stays:
        said.append(f"from {stamp(w.times[a])} to {stamp(w.times[b])}" if b > a else f"at {stamp(w.times[a])}")
        begun = w.row(i, a)
        rests.append((begun, ended))
        ended = w.end_row(i, b)
        rests += [(ended, begun)] if b > a else []
    return text, told(said), rests + [(-1, ended)]


def places(cells):
    names = ["on the left", "in the middle", "on the right"]
    return listed([names[k] for k in range(3) if cells[k]])


def where_at(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.05)
    if not asked:
        return None
    text = say(rng, "where_at", s=single(c, rng), p=plural(c, rng), t=stamp(asked[0]))
    if i is None or not w.present[i, asked[1]]:
        return text, "nowhere."
    return text, places(w.t.cells[i, asked[1]]) + ".", [w.row(i, asked[1])] * 3


def where(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    text = say(rng, "where", s=single(c, rng), p=plural(c, rng))
    return (text, "nowhere.") if i is None else (text, places(w.t.cells[i, w.last[i]]) + ".", [w.roll(i)] * 3)


MOVES = ["to the left.", "to the right.", "up.", "down.", "towards the camera.", "it stays where it is."]


def moves(w, rng):
    """Of several the largest."""
    c, i = w.ask_class(rng, absent=0.05)
    text = say(rng, "moves", s=single(c, rng), p=plural(c, rng))
    return (text, "nowhere.") if i is None else (text, MOVES[int(w.t.motion[i, w.last[i]])], [w.roll(i)] * 2)


def debut(w):
    """Class indices in the order of their first rows."""
    return sorted(range(len(w.classes)), key=lambda i: (w.first[i], w.order[i, w.first[i]]))


def neighbour_row(w, line, k, step):
    """Where it stands what was new after (before) the k-th: the row of a new kind names the one before it."""
    i = line[k] if step < 0 else line[k + 1] if k + 1 < len(line) else None
    return -1 if i is None else w.row(i, w.first[i])


def _neighbour(w, rng, kind, step):
    """What first came just after (step 1) or before (-1) a class of the video."""
    c, i = w.ask_class(rng, absent=0.0)
    if i is None:
        return None
    line = debut(w)
    k = line.index(i) + step
    answer = article(NAMES[w.classes[line[k]]]) if 0 <= k < len(line) else "nothing"
    text = say(rng, kind, a=a_word(c, rng), s=single(c, rng))
    return text, answer + ".", [(neighbour_row(w, line, k - step, step), w.row(i, w.first[i]))]


def after(w, rng):
    return _neighbour(w, rng, "after", 1)


def before(w, rng):
    return _neighbour(w, rng, "before", -1)


def appears_first(w, rng):
    line = debut(w)
    said = article(NAMES[w.classes[line[0]]]) if line else "nothing"
    return say(rng, "appears_first"), said + ".", [w.row(i, w.first[i]) for i in line[:1]]


def earlier(w, rng):
    if len(w.classes) < 2:
        return None
    i, j = rng.choice(len(w.classes), 2, replace=False)
    if w.first[i] == w.first[j]:
        return None
    text = say(rng, "earlier", a=a_word(int(w.classes[i]), rng), b=a_word(int(w.classes[j]), rng))
    return text, "yes." if w.first[i] < w.first[j] else "no.", [first_rows(w, i, j)]


def first_rows(w, i, j):
    """What tells whether the one of two came first: its first row, held against that of the other. (Shown both alike, the
    same heads looked at both, and could not tell which was which.)"""
    return w.row(i, w.first[i]), w.row(j, w.first[j])


def event_text(w, events):
    said = [f"{article(NAMES[w.classes[i]])} {'appears' if new else 'leaves'} at {stamp(w.times[g])}"
            for g, new, i in events[:MOST_EVENTS]]
    return told(said)


def next_event_index(events, f):
    """Of the first event after frame `f`; how many there are, where there is none."""
    return next((k for k, (g, new, _) in enumerate(events) if g > f or (g == f and not new)), len(events))


def event_row(w, events, k):
    """Of the k-th; after the last, that of the video's end, which has as many events before it."""
    return w.row(events[k][2], events[k][0], gone=not events[k][1]) if k < len(events) else w.scene(w.frames - 1)


def event_rows(w, events):
    return [event_row(w, events, k) for k in range(min(len(events), MOST_EVENTS))]


def _event_rests(w, events, a, b):
    """Each event is what has as many events before it as the one before it leaves, from the scene row of frame `a` on. When
    that fits the scene row of `b`, none is left."""
    rests = chain(event_rows(w, events), w.scene(a), w.scene(b))
    rests[-1] = (w.scene(b), *rests[-1][1:])
    return rests[:MOST_EVENTS] if len(events) > MOST_EVENTS else rests


def happens(w, rng):
    span = w.span(rng)
    if not span:
        return None
    events = w.events(*span)
    text = say(rng, "happens", t=stamp(w.times[span[0]]), u=stamp(w.times[span[1]]))
    return text, event_text(w, events) if events else "nothing changes.", _event_rests(w, events, *span)


def caption(w, rng):
    """What is there at the start of the interval, and what changes in it."""
    span = w.span(rng)
    if not span:
        return None
    events = w.events(*span)
    text = say(rng, "caption", t=stamp(w.times[span[0]]), u=stamp(w.times[span[1]]))
    said = w.what(span[0]) + (" " + event_text(w, events) if events else "")
    return text, said, (w.rests(span[0])[:-1] or [-1]) + _event_rests(w, events, *span)


def how_often(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    n = len(w.stays(i)) if i is not None else 0
    if n > 7:
        return None
    said = ["never", "once", "twice"][n] if n < 3 else f"{number(n)} times"
    text = say(rng, "how_often", a=a_word(c, rng), s=single(c, rng), p=plural(c, rng))
    return text, said + ".", [] if i is None else [w.roll(i)]


def describe(w, rng):
    line = debut(w)
    if not line:
        return say(rng, "describe"), "nothing."
    said = [f"{article(NAMES[w.classes[i]])} from {stamp(w.times[w.first[i]])}" for i in line[:6]]
    return say(rng, "describe"), told(said), chain([w.row(i, w.first[i]) for i in line[:6]])[: 7 if len(line) < 7 else 6]


def changes(w, rng):
    c, i = w.ask_class(rng, absent=0.05)
    yes = i is not None and (w.count[i] != w.count[i][0]).any()
    return say(rng, "changes", p=plural(c, rng)), "yes." if yes else "no."


def length(w, rng):
    return say(rng, "length"), stamp(w.times[-1]) + "."


def beyond(w, rng):
    t = int(w.times[-1]) + 1 + int(np.exp(rng.uniform(np.log(4), np.log(4000))))
    c = int(rng.choice(80, p=CLASS_WEIGHTS))
    kind = ["visible_at", "count_at", "is_at", "where_at"][int(rng.integers(4))]
    text = say(rng, kind, t=stamp(t), a=a_word(c, rng), p=plural(c, rng), s=single(c, rng))
    return text, f"the video ends at {stamp(w.times[-1])}."


def greeting(w, rng):
    question, answer = phrases.SMALL_TALK[int(rng.integers(len(phrases.SMALL_TALK)))]
    return question, answer


def unknown(w, rng):
    """Half of the time about what is there: that does not help."""
    known = [w.ask_class(rng, absent=0.1)[0] for _ in range(2)] if rng.random() < 0.5 else None
    return phrases.outside(rng, single, plural, known), "i can't tell."


KINDS = {f.__name__: f for f in (
    visible_at, visible_now, is_at, is_now, is_video, is_between, more_than, count_at, count_now, count_most, first,
    last, intervals, where_at, where, moves, after, before, appears_first, earlier, happens, caption, how_often,
    describe, changes, length, beyond, greeting, unknown)}
