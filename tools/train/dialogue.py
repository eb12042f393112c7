"""Follow-up questions, which are only understood after the question before: "and at 0:20?", "where?", "and after that?"."""

from . import questions
from .classes import NAMES, article
from .questions import debut, places, plural, say, single
from .world import number, pick, stamp, yes


def _where(w, c, i, f, rng):
    answer = "nowhere." if i is None or not w.present[i, f] else places(w.t.cells[i, f]) + "."
    return pick(rng, ["where", "where is it", "where are they", "and where", f"where is the {single(c, rng)}"]), answer


def _count(w, c, i, f, rng, bare):
    n = int(w.count[i, f]) if i is not None else 0
    p = plural(c, rng)
    texts = ["how many", "how many are there", "and how many"] if bare else [f"and {p}", f"how many {p}", f"and how many {p}"]
    return pick(rng, texts), number(n) + "."


def _other_time(w, rng):
    asked = w.ask_time(rng)
    return asked and (pick(rng, ["and at {t}", "what about {t}", "and then at {t}", "at {t}"]).format(t=stamp(asked[0])), asked[1])


def about_count(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.1)
    if not asked:
        return None
    second, f = asked
    first = (say(rng, "count_at", p=plural(c, rng), t=stamp(second)), number(int(w.count[i, f]) if i is not None else 0) + ".")
    style = int(rng.integers(3))
    if style == 0:
        return [first, _count(w, *w.ask_class(rng, absent=0.2), f, rng, False)]
    if style == 1:
        return [first, _where(w, c, i, f, rng)]
    other = _other_time(w, rng)
    return other and [first, (other[0], number(int(w.count[i, other[1]]) if i is not None else 0) + ".")]


def about_is(w, rng):
    asked, (c, i) = w.ask_both(rng, absent=0.1)
    if not asked:
        return None
    second, f = asked
    there = lambda j, g: j is not None and bool(w.present[j, g])
    first = (say(rng, "is_at", a=questions.a_word(c, rng), t=stamp(second)), yes(there(i, f)))
    style = int(rng.integers(4))
    if style == 0:
        return [first, _count(w, c, i, f, rng, True)]
    if style == 1:
        return [first, _where(w, c, i, f, rng)]
    if style == 2:
        d, j = w.ask_class(rng, absent=0.2)
        a = questions.a_word(d, rng)
        return [first, (pick(rng, [f"and {a}", f"what about {a}", f"is there {a} too"]), yes(there(j, f)))]
    other = _other_time(w, rng)
    return other and [first, (other[0], yes(there(i, other[1])))]


def about_visible(w, rng):
    asked = w.ask_time(rng)
    if not asked:
        return None
    second, f = asked
    first = (say(rng, "visible_at", t=stamp(second)), w.what(f))
    here = w.visible(f)
    if len(here) and rng.random() < 0.5:
        i = int(pick(rng, here))
        c = int(w.classes[i])
        return [first, (f"where is the {single(c, rng)}", places(w.t.cells[i, f]) + ".")]
    other = _other_time(w, rng)
    return other and [first, (other[0], w.what(other[1]))]


def about_first(w, rng):
    c, i = w.ask_class(rng, absent=0.0)
    if i is None:
        return None
    word = single(c, rng)
    first = (say(rng, "first", a=questions.a_word(c, rng), s=word, p=plural(c, rng)), f"at {stamp(w.times[w.first[i]])}.")
    style = int(rng.integers(3))
    if style == 0:
        text = pick(rng, ["and the last time", "and when is it last seen", "and last", "when does it last appear"])
        return [first, (text, f"at {stamp(w.times[w.last[i]])}.")]
    if style == 1:
        return [first, _next(w, rng, i)]
    d, j = w.ask_class(rng, absent=0.15)
    a = questions.a_word(d, rng)
    answer = "never." if j is None else f"at {stamp(w.times[w.first[j]])}."
    return [first, (pick(rng, [f"and {a}", f"what about {a}"]), answer)]


def _next(w, rng, i):
    line = debut(w)
    k = line.index(i) + 1
    answer = (article(NAMES[w.classes[line[k]]]) if k < len(line) else "nothing") + "."
    return pick(rng, ["and after that", "what comes after that", "and then", "what next", "and what comes next"]), answer


def about_after(w, rng):
    c, i = w.ask_class(rng, absent=0.0)
    line = debut(w)
    if i is None or line.index(i) + 1 >= len(line):
        return None
    after = line[line.index(i) + 1]
    first = (say(rng, "after", a=questions.a_word(c, rng), s=single(c, rng)), article(NAMES[w.classes[after]]) + ".")
    return [first, _next(w, rng, after)]


def about_video(w, rng):
    c, i = w.ask_class(rng, absent=0.2)
    first = (say(rng, "is_video", a=questions.a_word(c, rng), p=plural(c, rng)), yes(i is not None))
    style = int(rng.integers(3))
    if style == 0:
        text = pick(rng, ["when", "when does it first appear", "when is it first seen", "since when"])
        return [first, (text, "never." if i is None else f"at {stamp(w.times[w.first[i]])}.")]
    if style == 1:
        text = pick(rng, ["how many at most", "how many at once", "how many at the same time"])
        return [first, (text, number(int(w.count[i].max()) if i is not None else 0) + ".")]
    d, j = w.ask_class(rng, absent=0.4)
    a = questions.a_word(d, rng)
    return [first, (pick(rng, [f"and {a}", f"what about {a}"]), yes(j is not None))]


def about_most(w, rng):
    c, i = w.ask_class(rng, absent=0.1)
    n = int(w.count[i].max()) if i is not None else 0
    first = (say(rng, "count_most", p=plural(c, rng)), number(n) + ".")
    when = "never." if i is None else f"at {stamp(w.times[int(w.count[i].argmax())])}."
    return [first, (pick(rng, ["when", "and when", "when was that", "at what time", "and when was that"]), when)]


KINDS = (about_count, about_is, about_visible, about_first, about_after, about_video, about_most)


def follow(w, rng):
    """Two turns [(question, answer)], or None where the kind does not apply."""
    return pick(rng, KINDS)(w, rng)
