"""Golden file of vision/token_rows: what kinds a tracker sees, frame by frame, and the rows that timeline.py makes of it.

    python -m tools.train.golden_rows       # writes tests/golden/token_rows.safetensors

The program must make the same rows from the same sights, or it would ask the model in another language than it learnt.
`counts` [kinds, frames] and `boxes` (cx cy w h) [kinds, frames, 4] of the kinds `ids`; frame f is at `times_us` [frames].
All things of a kind stand in one place, unmoved since they came. `row_times_us` [N]; of the rows what is not 0, without
time and score, which others test or draw: `places` [K, 2] row and column, `values` [K]. `roll` [R]: which of them the roll
call reads again, in its order.
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

from . import layout, timeline

OUT = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "token_rows.safetensors"
KINDS, FRAMES = 14, 90


def main():
    rng = np.random.default_rng(11)
    ids = rng.choice(80, KINDS, replace=False)
    counts = np.zeros((KINDS, FRAMES), np.int64)
    for kind in range(KINDS):
        for first in rng.integers(0, FRAMES, 4 if kind else 14):
            last = first + int(rng.integers(1, 3 if kind == 0 else 12))
            counts[kind, first:last] = rng.integers(1, 11)
    # At most MAX_OBJECT_ROWS kinds a frame: which of more are kept depends on scores.
    for frame in np.flatnonzero((counts > 0).sum(0) > layout.MAX_OBJECT_ROWS):
        here = np.flatnonzero(counts[:, frame])
        counts[here[layout.MAX_OBJECT_ROWS :], frame] = 0
    boxes = rng.uniform(0.05, 0.95, (KINDS, FRAMES, 4)).astype(np.float32)
    x, y = boxes[..., 0], boxes[..., 1]
    third = lambda centre: np.eye(3, dtype=bool)[np.clip((centre * 3).astype(int), 0, 2)]
    report = {"cells": third(x), "down": third(y), "x": x, "box": boxes, "score": np.full(KINDS, 0.5),
              "move": np.full((KINDS, FRAMES), timeline.MOTIONS.index("still"))}
    dense, row_frame = timeline.make_rows(rng, ids, counts, report, {"jitter": 0.0})
    roll = timeline.with_roll_call(dense, np.arange(len(dense)))[1][len(dense) :]
    dense[:, layout.SCORE] = 0
    row, column = np.nonzero(dense)
    places = np.stack((row, np.where(column < layout.PLAIN, column, column - layout.PLAIN + layout.ORDER)), 1)
    times_us = np.cumsum(rng.integers(1, 90, FRAMES)) * 1_000_000
    tensors = {"ids": ids.astype(np.int32), "counts": counts.astype(np.int32), "boxes": boxes, "times_us": times_us,
               "row_times_us": times_us[row_frame], "places": places.astype(np.int32), "values": dense[row, column],
               "roll": roll.astype(np.int32)}
    save_file({name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in tensors.items()}, OUT)
    OUT.chmod(0o644)
    print(f"{len(dense)} rows to {OUT.name}")


if __name__ == "__main__":
    main()
