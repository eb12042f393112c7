"""Batches: timelines and many questions about each, as padded tensors."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from . import compare, courses, dialogue, drills, layout, questions, text as text_module, timeline
from .world import World

KINDS = questions.KINDS | compare.KINDS | courses.KINDS
# How often a kind is asked while training; what is harder is asked more.
SHARE = {"visible_at": 4, "visible_now": 2, "is_at": 1.5, "is_now": 0.7, "is_video": 1, "is_between": 1.5,
         "more_than": 1, "count_at": 2, "count_now": 1, "count_most": 1.5, "first": 1, "last": 3, "intervals": 2.5,
         "where_at": 2, "where": 3, "moves": 2.5, "after": 2.5, "before": 2.5, "appears_first": 0.5, "earlier": 1.5,
         "happens": 3, "caption": 3, "how_often": 2, "describe": 2.5, "changes": 1.5, "length": 0.3, "beyond": 1,
         "greeting": 0.3, "unknown": 2, "follow": 4, "either": 1, "either_at": 1.5, "both": 1, "both_at": 1.5, "count_two": 2,
         "more_of": 2, "more_at": 2, "which_first": 1.5, "moves_to": 1, "on_side": 1.5, "side_at": 2.5, "is_group": 1.5,
         "most_when": 2, "reach": 2, "next_event": 2, "last_event": 1.5, "appears_last": 1, "returns": 1, "leaves": 1,
         "whole_time": 1, "anything_at": 1}
# Kinds that name one time or ask for one: what a long video makes hard.
TIMED = {"visible_at", "where_at", "count_at", "is_at", "first", "last", "drill_is_at", "drill_times", "drill_first",
         "drill_last", "drill_list"}
# Kinds with long answers come in batches of their own, so that short ones are not padded to their length.
LONG = {"intervals", "happens", "caption", "describe"}
DRILL_SHARE = {name: 1.0 for name in drills.DRILLS} | {"drill_times": 1.5, "drill_events": 2.5, "drill_next_event": 2,
                                                       "drill_until": 1.5,
                                                       "drill_after": 2, "drill_before": 1.5, "drill_stays": 1.5}


@dataclass
class Asked:
    """One question as rows: ids (-1 a time row), their seconds (-1: none), and the next id of each row where it is learnt or 0."""

    kind: str
    question: str  # of several turns: the last
    answer: str
    ids: list
    seconds: list
    target: list
    rest: list  # the video's rows that each row's target rests on, (itself, via, until); -1: none, or not known


@dataclass
class Batch:
    """B videos, N rows padded on the left, Q questions a video, L rows a question, A sampled rows."""

    dense: torch.Tensor  # [B, N, DENSE]
    time_s: torch.Tensor  # [B, N] float64
    scene_index: torch.Tensor  # [B, N, 5]
    scene_value: torch.Tensor  # [B, N, 5]
    keep: torch.Tensor  # [B, N] 1 row, 0 padding
    ids: torch.Tensor  # [B, Q, L], -1 a time row
    ids_time_s: torch.Tensor  # [B, Q, L] float64
    lengths: torch.Tensor  # [B, Q] rows of each question and answer
    sampled: torch.Tensor  # [B, Q, A] rows that are sampled
    target: torch.Tensor  # [B, Q, A] their next id, 0 where there is none
    rest: torch.Tensor  # [B, Q, A, 3] the video's rows (of N) that it rests on (Asked.rest), -1 where there is none
    kinds: list  # [B][Q] names
    texts: list  # [B][Q] (question, answer)

    def to(self, device):
        tensors = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, torch.Tensor)}
        return replace(self, **tensors)


NONE = (-1, -1, -1)


def _three(rest):
    return (*rest, -1, -1)[:3] if isinstance(rest, tuple) else (rest, -1, -1)


def as_rows(text, kind, turns, now_s):
    """turns [(question, answer[, rests])]: one, or a dialogue, where every answer is learnt."""
    ids, seconds, target, rest = [], [], [], []
    for question, answer, *rests in turns:
        asked, asked_s = text.question(question, now_s, seconds[-1] if seconds else None)
        pieces = text.answer(answer)
        ids += asked + pieces
        target += [0] * (len(asked) - 1) + pieces + [0]
        seconds += asked_s + text.carried(pieces, asked_s[-1])
        rests = dict(enumerate(rests[0] if rests else ()))
        rest += [NONE] * (len(asked) - 1) + [_three(rests.get(part, -1)) for part in text.parts(pieces)] + [NONE]
    return Asked(kind, *turns[-1][:2], ids[:-1], seconds[:-1], target[:-1], rest[:-1])


def drill_rows(text, kind, question, items, now_s):
    ids, seconds = text.question(question, now_s)
    target, rest, now = [0] * len(ids), [NONE] * len(ids), seconds[-1]
    for prompt, answer, *rests in items:
        asked, asked_s = text.rows(prompt)
        pieces = text.answer(answer)[:-1]
        about = next((s for s in asked_s if s >= 0), now)
        ids += asked + pieces
        seconds += [about] * len(asked) + text.carried(pieces, about)
        target += [0] * (len(asked) - 1) + pieces + [0]
        rest += [NONE] * (len(asked) - 1) + [_three(*rests) if rests else NONE] * len(pieces) + [NONE]
    return Asked(kind, question, " ".join(item[1] for item in items), ids, seconds, target, rest)


def ask(rng, world, text, n_questions, shares, mistypes=0.05):
    """`n_questions` of the kinds in `shares`, as often as that says."""
    names = list(shares)
    weight = np.array([shares[name] for name in names], float)
    weight /= weight.sum()
    out, tries = [], 0
    while len(out) < n_questions:
        tries += 1
        # A world may not allow every kind; after many tries ask what always has an answer.
        kind = names[int(rng.choice(len(names), p=weight))] if tries < 40 * n_questions else "is_video"
        drill = kind in drills.DRILLS
        if kind == "follow":
            made = dialogue.follow(world, rng)
            if made:
                out.append(as_rows(text, kind, made, world.times[-1]))
            continue
        made = (drills.DRILLS if drill else KINDS)[kind](world, rng)
        if not made:
            continue
        question, answer = made[:2]
        if drill:
            out.append(drill_rows(text, kind, question, answer, world.times[-1]))
            continue
        if mistypes and rng.random() < mistypes:
            question = text_module.mistyped(question, rng)
        out.append(as_rows(text, kind, [(question, *made[1:])], world.times[-1]))
    return out


def make(rng, text, n_videos, n_questions, frames, shares, jumpy=0.7, noise=None, mistypes=0.05, busy=0.0,
         days=timeline.DAYS):
    """frames: (fewest, most) a video; one batch holds videos of like lengths. jumpy, busy, days: shares of the videos."""
    low, high = np.log(frames[0]), np.log(frames[1])
    centre = np.exp(rng.uniform(low, high))
    lines, asked = [], []
    for _ in range(n_videos):
        n = int(np.clip(round(centre * rng.uniform(0.75, 1.25)), frames[0], frames[1]))
        line = timeline.simulate(rng, n, rng.random() < jumpy, noise, rng.random() < busy, days)
        lines.append(line)
        asked.append(ask(rng, World(line), text, n_questions, shares, mistypes))
    return collate(lines, asked)


def collate(lines, asked):
    b, q = len(lines), len(asked[0])
    n = max(len(line.dense) for line in lines)
    dense = np.zeros((b, n, layout.DENSE), np.float32)
    time_s = np.zeros((b, n))
    scene_index = np.zeros((b, n, layout.SCENE_KEPT), np.int64)
    scene_value = np.zeros((b, n, layout.SCENE_KEPT), np.float32)
    keep = np.zeros((b, n), np.float32)
    for k, line in enumerate(lines):
        rows = len(line.dense)
        dense[k, n - rows :] = line.dense
        time_s[k, n - rows :] = line.times[line.row_frame]
        keep[k, n - rows :] = 1
        scene = np.flatnonzero(line.dense[:, layout.IS_SCENE])
        scene_index[k, n - rows + scene] = line.scene_index
        scene_value[k, n - rows + scene] = line.scene_value
    every = [x for one in asked for x in one]
    length = max(len(x.ids) for x in every)
    most = max(sum(t > 0 for t in x.target) for x in every)
    ids = np.zeros((b, q, length), np.int64)
    ids_time = np.full((b, q, length), -1.0)
    lengths = np.zeros((b, q), np.int64)
    sampled = np.zeros((b, q, most), np.int64)
    target = np.zeros((b, q, most), np.int64)
    rest = np.full((b, q, most, 3), -1)
    for k, one in enumerate(asked):
        for j, x in enumerate(one):
            m = lengths[k, j] = len(x.ids)
            ids[k, j, :m], ids_time[k, j, :m] = x.ids, x.seconds
            learnt = np.flatnonzero(x.target)
            sampled[k, j, : len(learnt)] = learnt
            target[k, j, : len(learnt)] = np.asarray(x.target)[learnt]
            row = np.asarray(x.rest)[learnt].reshape(-1, 3)
            rest[k, j, : len(learnt)] = np.where(row < 0, -1, row + n - len(lines[k].dense))
    f = torch.from_numpy
    return Batch(f(dense), f(time_s), f(scene_index), f(scene_value), f(keep), f(ids), f(ids_time), f(lengths),
                 f(sampled), f(target), f(rest), [[x.kind for x in one] for one in asked],
                 [[(x.question, x.answer) for x in one] for one in asked])


def blind(batch):
    """The same questions about an empty video: one row, nothing in it."""
    dense = torch.zeros_like(batch.dense[:, :1])
    dense[..., layout.IS_SCENE] = dense[..., layout.LAST_OF_FRAME] = dense[..., layout.COUNT] = dense[..., layout.CUT] = 1
    one = torch.ones_like(batch.keep[:, :1])
    return Batch(dense, batch.time_s[:, -1:], batch.scene_index[:, :1] * 0, batch.scene_value[:, :1] * 0, one,
                 batch.ids, batch.ids_time_s, batch.lengths, batch.sampled, batch.target, batch.rest * 0 - 1, batch.kinds,
                 batch.texts)


def run(model, batch, attention=False):
    """Logits of every sampled row that has a target [M, vocab], their targets [M], the question of each [M], and, where
    asked for, how many heads looked at the row that it rests on [M'], and at those by which that is found [M'']."""
    rows = model.video_rows(batch.dense, batch.time_s, batch.scene_index, batch.scene_value)
    memory = model.watch(rows, batch.keep)
    real = batch.target > 0
    future = (batch.ids < 0) & (batch.ids_time_s > batch.time_s[:, -1, None, None])
    asked = model.question_rows(batch.ids, batch.ids_time_s, future)
    x, maps = model.answer(memory, asked, batch.lengths, batch.sampled, real, attention)
    question = torch.arange(real.shape[0] * real.shape[1]).view(*real.shape[:2], 1).expand_as(real)
    out = model.logits(x), batch.target[real], question[real]
    if not attention:
        return out
    heads = model.config.n_attn_heads
    # By what something is found must be there before the last layer, and what is found behind the first.
    return *out, rested(maps[1:], batch.rest, real, (0,)) * heads, rested(maps[:-1], batch.rest, real, (1, 2)) * heads


def rested(maps, rest, real, columns):
    """maps: one [B, most, N] a cross layer, the attention of a video's sampled rows, mean over heads. -> its sum over the
    layers where `columns` of `rest` name a row."""
    out = []
    for b in range(len(rest)):
        for column in columns:
            row = rest[b, ..., column][real[b]]
            known = torch.nonzero(row >= 0)[:, 0]
            out.append(sum(one[b, known, row[known]] for one in maps))
    return torch.cat(out)


def exact(logits, target, question, n_questions):
    """Whether every piece of an answer was right: greedy decoding would have written it. [n_questions] bool."""
    wrong = (logits.argmax(-1) != target).float()
    return torch.zeros(n_questions).index_add_(0, question, wrong) == 0
