"""Batches: timelines and many questions about each, as padded tensors."""

from dataclasses import dataclass

import numpy as np
import torch

from . import layout, questions, text as text_module, timeline

# How often a kind is asked while training; what is harder is asked more.
SHARE = {"visible_at": 3, "visible_now": 1, "is_at": 1.5, "is_now": 0.7, "is_video": 1.5, "is_between": 1.5,
         "more_than": 1, "count_at": 1.5, "count_now": 1, "count_most": 1.5, "first": 2, "last": 2.5, "intervals": 2,
         "where_at": 1.5, "where": 1.5, "moves": 1.5, "after": 1.5, "before": 1.5, "appears_first": 0.5,
         "earlier": 1.2, "happens": 2, "caption": 2, "how_often": 1.5, "describe": 1.5, "changes": 1.2, "length": 0.3,
         "beyond": 0.5, "greeting": 0.3, "unknown": 0.8}
TRAINING_SHARE = {"many_times": 3, "many_classes": 3}
# Kinds with long answers come in batches of their own, so that short ones are not padded to their length.
LONG = {"intervals", "happens", "caption", "describe", "many_times", "many_classes"}


@dataclass
class Batch:
    """B videos, N rows padded on the left, Q questions a video, L rows a question, A sampled rows."""

    dense: torch.Tensor  # [B, N, 160]
    time_s: torch.Tensor  # [B, N] float64
    scene_index: torch.Tensor  # [B, N, 5]
    scene_value: torch.Tensor  # [B, N, 5]
    keep: torch.Tensor  # [B, N] 1 row, 0 padding
    ids: torch.Tensor  # [B, Q, L], -1 a time row
    ids_time_s: torch.Tensor  # [B, Q, L] float64
    lengths: torch.Tensor  # [B, Q] rows of each question and answer
    sampled: torch.Tensor  # [B, Q, A] rows that are sampled
    target: torch.Tensor  # [B, Q, A] their next id, 0 where there is none
    kinds: list  # [B][Q] names
    texts: list  # [B][Q] (question, answer)


def ask(rng, world, text, n_questions, shares, mistypes=0.05, only=None):
    """[(kind, question, answer, ids, seconds, answer ids)]."""
    names = [only] if only else list(shares)
    weight = np.array([1.0 if only else shares[name] for name in names])
    weight /= weight.sum()
    table = {**questions.KINDS, **questions.TRAINING_ONLY}
    out, tries = [], 0
    while len(out) < n_questions:
        tries += 1
        # A world may not allow every kind; after many tries ask what always has an answer.
        kind = names[int(rng.choice(len(names), p=weight))] if tries < 40 * n_questions else "is_video"
        made = table[kind](world, rng)
        if not made:
            continue
        question, answer = made
        if mistypes and rng.random() < mistypes:
            question = text_module.mistyped(question, rng)
        ids, seconds = text.question(question, world.times[-1])
        out.append((kind, question, answer, ids, seconds, text.answer(answer)))
    return out


def make(rng, text, n_videos, n_questions, frames, shares, jumpy=0.7, noise=None, mistypes=0.05, only=None):
    """frames: (fewest, most) a video; one batch holds videos of like lengths."""
    low, high = np.log(frames[0]), np.log(frames[1])
    centre = np.exp(rng.uniform(low, high))
    lines, asked = [], []
    for _ in range(n_videos):
        n = int(np.clip(round(centre * rng.uniform(0.75, 1.25)), frames[0], frames[1]))
        line = timeline.simulate(rng, n, jumpy=rng.random() < jumpy, noise=noise)
        lines.append(line)
        asked.append(ask(rng, questions.World(line), text, n_questions, shares, mistypes, only))
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
    length = max(len(x[3]) + len(x[5]) - 1 for one in asked for x in one)
    most = max(len(x[5]) for one in asked for x in one)
    ids = np.zeros((b, q, length), np.int64)
    ids_time = np.zeros((b, q, length))
    lengths = np.zeros((b, q), np.int64)
    sampled = np.zeros((b, q, most), np.int64)
    target = np.zeros((b, q, most), np.int64)
    for k, one in enumerate(asked):
        for j, (_, _, _, question, seconds, answer) in enumerate(one):
            m, a = len(question), len(answer)
            ids[k, j, :m], ids_time[k, j, :m] = question, seconds
            ids[k, j, m : m + a - 1] = answer[:-1]
            lengths[k, j] = m + a - 1
            sampled[k, j, :a] = np.arange(m - 1, m - 1 + a)
            target[k, j, :a] = answer
    f = torch.from_numpy
    return Batch(f(dense), f(time_s), f(scene_index), f(scene_value), f(keep), f(ids), f(ids_time),
                 f(lengths), f(sampled),
                 f(target), [[x[0] for x in one] for one in asked], [[x[1:3] for x in one] for one in asked])


def blind(batch):
    """The same questions about an empty video: one row, nothing in it."""
    dense = torch.zeros_like(batch.dense[:, :1])
    dense[..., layout.IS_SCENE] = dense[..., layout.LAST_OF_FRAME] = dense[..., layout.COUNT] = dense[..., layout.CUT] = 1
    one = torch.ones_like(batch.keep[:, :1])
    return Batch(dense, batch.time_s[:, -1:], batch.scene_index[:, :1] * 0, batch.scene_value[:, :1] * 0, one,
                 batch.ids, batch.ids_time_s, batch.lengths, batch.sampled, batch.target, batch.kinds, batch.texts)


def run(model, batch):
    """Logits of every sampled row that has a target [M, vocab], their targets [M], and the question of each [M]."""
    rows = model.video_rows(batch.dense, batch.time_s, batch.scene_index, batch.scene_value)
    memory = model.watch(rows, batch.keep)
    real = batch.target > 0
    x, _ = model.answer(memory, model.question_rows(batch.ids, batch.ids_time_s), batch.lengths, batch.sampled, real)
    question = torch.arange(real.shape[0] * real.shape[1]).view(*real.shape[:2], 1).expand_as(real)
    return model.logits(x), batch.target[real], question[real]


def exact(logits, target, question, n_questions):
    """Whether every piece of an answer was right: greedy decoding would have written it. [n_questions] bool."""
    wrong = (logits.argmax(-1) != target).float()
    return torch.zeros(n_questions).index_add_(0, question, wrong) == 0
