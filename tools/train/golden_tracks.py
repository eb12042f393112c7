"""Golden file of vision/tracker: made-up detections, and what the trainer's tracker makes of them.

    python -m tools.train.golden_tracks       # writes tests/golden/tracks.safetensors

noise.py measures with that tracker what the program's leaves behind; the two must be one. `seen` [N, 7]: frame, class,
score, left, top, right, bottom; `live`, `patient` [M, 8]: frame, track, class, score and the box, by frame and left edge.
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

from .objects.tracker import LIVE, PATIENT, track_video

OUT = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "tracks.safetensors"
FRAMES, THINGS = 120, 60
KINDS = [0, 0, 0, 2, 7, 16, 17, 39, 41, 62]  # among them some that are mixed up


def main():
    rng = np.random.default_rng(3)
    seen = []
    for _ in range(THINGS):
        kind, first = int(rng.choice(KINDS)), int(rng.integers(0, FRAMES - 6))
        walks = rng.random() < 0.4  # beyond its own box in a frame, where something faint may be seen instead
        centre, step = rng.uniform(0.2, 0.8, 2), rng.normal(0, 0.06 if walks else 0.02, 2)
        size, level = rng.uniform(0.05, 0.3, 2), rng.uniform(0.2, 0.8)
        hidden = 0
        for frame in range(first, min(FRAMES, first + int(rng.integers(1, 60)))):
            hidden = max(hidden - 1, int(rng.integers(1, 5)) if rng.random() < 0.06 else 0)
            if hidden:
                continue
            named = int(rng.choice([2, 7])) if kind in (2, 7) and rng.random() < 0.3 else kind
            middle = centre + step * (frame - first) + rng.normal(0, 0.004, 2)
            box = np.concatenate((middle - size / 2, middle + size / 2))  # no two left edges are one
            if walks and rng.random() < 0.3:
                left = middle - step
                faint = np.concatenate((left - size / 2, left + size / 2))
                seen.append((frame, named, rng.uniform(0.1, 0.44), *faint))
            seen.append((frame, named, np.clip(level + rng.normal(0, 0.1), 0.05, 0.99), *box))
    seen = np.array(sorted(seen, key=lambda row: (row[0], -row[2])), np.float32)
    frames = [seen[seen[:, 0] == frame] for frame in range(FRAMES)]
    tensors = {"seen": seen}
    for name, options in (("live", LIVE), ("patient", PATIENT)):
        told = track_video([(rows[:, 3:], rows[:, 2], rows[:, 1]) for rows in frames], options)
        tensors[name] = np.array([(frame, t.id, t.name, t.score, *t.box) for frame, tracks in enumerate(told)
                                  for t in sorted(tracks, key=lambda t: t.box[0])], np.float32)
        print(f"{name}: {len(tensors[name])} of {len(seen)} sightings are told")
    save_file({name: torch.from_numpy(a) for name, a in tensors.items()}, OUT)
    OUT.chmod(0o644)


if __name__ == "__main__":
    main()
