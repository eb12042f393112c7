"""Exact-match of a model directory on fresh synthetic timelines, by kind and length, with the blind model beside it.

    python -m tools.train.evaluate --model assets/models/mini

The timelines' seed is not one of training's. `blind` is the same model asked the same questions about an empty video.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from . import batches
from .export import load_model

SEED = 900_000


def measure(model, text, lengths, videos, jumpy, noise, seed=SEED, ask_blind=True):
    """-> {(kind, length): [seen right, blind right, asked]}"""
    table = defaultdict(lambda: [0, 0, 0])
    kinds = list(batches.SHARE)
    for length in lengths:
        for v in range(videos):
            rng = np.random.default_rng((seed, length, v))
            line = batches.timeline.simulate(rng, length, jumpy=jumpy[v % len(jumpy)], noise=noise)
            world = batches.World(line)
            asked = []
            for kind in kinds:
                made = batches.ask(rng, world, text, 1, {kind: 1}, mistypes=0)
                asked += [x for x in made if x.kind == kind]
            batch = batches.collate([line], [asked])
            with torch.no_grad():
                seen = batches.exact(*batches.run(model, batch), len(asked))
                alone = batches.exact(*batches.run(model, batches.blind(batch)), len(asked)) if ask_blind else seen
            for x, a, b in zip(asked, seen.tolist(), alone.tolist()):
                row = table[x.kind, length]
                row[0] += a
                row[1] += b
                row[2] += 1
    return table


def share(rows, column):
    return sum(r[column] for r in rows) / max(1, sum(r[2] for r in rows))


def markdown(table, lengths):
    kinds = list(dict.fromkeys(kind for kind, _ in table))
    lines = ["| kind | " + " | ".join(f"{n} frames" for n in lengths) + " | all | blind | asked |",
             "|" + "---|" * (len(lengths) + 4)]
    for kind in kinds:
        rows = [table[kind, n] for n in lengths]
        lines.append(f"| {kind} | " + " | ".join(f"{share([r], 0):.2f}" for r in rows)
                     + f" | {share(rows, 0):.3f} | {share(rows, 1):.2f} | {sum(r[2] for r in rows)} |")
    every = [[table[k, n] for k in kinds] for n in lengths]
    flat = sum(every, [])
    lines.append("| **all** | " + " | ".join(f"{share(r, 0):.3f}" for r in every)
                 + f" | **{share(flat, 0):.3f}** | {share(flat, 1):.2f} | {sum(r[2] for r in flat)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("assets/models/mini"))
    parser.add_argument("--lengths", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256], help="frames a video")
    parser.add_argument("--videos", type=int, default=100, help="timelines a length; half steady, half jumping times")
    parser.add_argument("--noise", help="noise.json (default: built-in rates)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, text = load_model(args.model)
    noise = json.loads(Path(args.noise).read_text())["rates"] if args.noise else None
    print(markdown(measure(model, text, args.lengths, args.videos, (False, True), noise), args.lengths))


if __name__ == "__main__":
    main()
