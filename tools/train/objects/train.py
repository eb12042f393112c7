"""Trains the object head on cached trunk features (see features.py) and keeps an averaged copy of its weights.

Writes <folder>/head.pt: model, ema (what export takes), optimiser, step. --resume goes on from it, also with more sets.
"""
import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from .detect import decode
from .features import FeatureSet, rarity
from .head import flatten, head_layers, new_head
from .layer_net import LayerNet
from .loss import detection_loss
from .measure import sentence, summary
from .trunk import TRUNK_MAPS

BATCH = 8
TARGET_FLOOR = 0.1    # weaker teacher boxes are no target
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
SAME_THING_IOU = 0.8  # teacher boxes of two classes on one thing become one box with both scores


def merge_doubles(truth, soft):
    """Boxes of different classes that overlap by SAME_THING_IOU: the best keeps the largest score of each class."""
    from .boxes import iou
    order = np.argsort(-soft.max(1), kind="stable")
    truth, soft = truth[order], soft[order].copy()
    overlap = iou(truth, truth)
    kept = []
    for i in range(len(truth)):
        twin = next((k for k in kept if overlap[i, k] > SAME_THING_IOU), None)
        if twin is None:
            kept.append(i)
        else:
            soft[twin] = np.maximum(soft[twin], soft[i])
    return truth[kept], soft[kept]


def exported_head(folder):
    """The head of a model directory, to train on: norms stay melted, the calibration of the scores is undone."""
    from . import calibrate
    a, b = json.loads((folder / "vision.json").read_text())["objects"]["calibration"]
    head = LayerNet(head_layers()).load_folded(load_file(folder / "vision.safetensors"))
    calibrate.apply(head, 1 / a, -b / a)
    return head


def load_batch(sets, items, dtype=torch.float32):
    """[(set, index)] of one canvas shape -> (maps by name in dtype, targets)."""
    maps = [sets[s].maps(i) for s, i in items]
    inputs = {}
    for k, name in enumerate(TRUNK_MAPS):
        values = torch.from_numpy(np.stack([m[k] for m in maps])).to(dtype)
        inputs[name] = values.contiguous(memory_format=torch.channels_last)
    targets = []
    for s, i in items:
        truth, soft = sets[s].target(i)
        strong = soft.max(1, initial=0) >= TARGET_FLOOR
        truth, soft = truth[strong], soft[strong]
        if len(truth) > 1:
            truth, soft = merge_doubles(truth, soft)
        targets.append((torch.from_numpy(truth), torch.from_numpy(soft)))
    return inputs, targets


def batches(sets, weights, rng):
    """Every picture as often as its weight says (fractions by chance), shuffled, in batches of one shape."""
    groups = {}
    for s, features in enumerate(sets):
        times = np.floor(weights[s] + rng.random(len(features))).astype(int)
        for i in np.repeat(np.arange(len(features)), times):
            groups.setdefault(tuple(features.canvas[i]), []).append((s, int(i)))
    found = []
    for items in groups.values():
        order = rng.permutation(len(items))
        found += [[items[k] for k in order[at:at + BATCH]] for at in range(0, len(items), BATCH)]
    return [found[k] for k in rng.permutation(len(found))]


@torch.no_grad()
def test(head, features):
    """The figures of measure.summary on the kept-out photos, from cached features."""
    head.eval()
    found, truths = [], []
    for index in range(len(features)):
        inputs, _ = load_batch([features], [(0, index)])
        logits, sides, centres, _ = flatten(head(inputs))
        size = features.size[index]
        found.append(decode(logits[0], sides[0], centres, size))
        truth, soft = features.target(index)
        truths.append((truth / np.array([size[1], size[0]] * 2, np.float32), soft))
    return summary(found, truths)


def learning_rate(step, progress, top):
    """Linear warm-up over 200 steps, then a half cosine over progress 0..1 down to a hundredth."""
    if step < 200:
        return top * (step + 1) / 200
    return top * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, progress))))


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.train", description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("tools/train/runs/objects"), help="the feature sets")
    parser.add_argument("--sets", nargs="+", default=["plain", "varied", "mosaic"])
    parser.add_argument("--steps", type=int, default=20000, help="length of the whole schedule")
    parser.add_argument("--stop-at", type=int, help="end at this step, the schedule unfinished")
    parser.add_argument("--minutes", type=float, help="reach the schedule's end after so many minutes, however few steps")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--test-every", type=int, default=2000)
    parser.add_argument("--save-every", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--from", dest="start", type=Path, help="start with the head of this model directory")
    parser.add_argument("--precise", action="store_true", help="f32 instead of bf16 (for processors without bf16)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    sets = [FeatureSet(args.folder, name) for name in args.sets]
    kept_out = FeatureSet(args.folder, "test")
    weights = [rarity([features.target(i)[1] for i in range(len(features))]) for features in sets]
    head = (exported_head(args.start) if args.start else new_head()).to(memory_format=torch.channels_last)
    ema = copy.deepcopy(head).requires_grad_(False)
    plain = [p for p in head.parameters() if p.dim() == 1]
    decayed = [p for p in head.parameters() if p.dim() > 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY},
                                   {"params": plain, "weight_decay": 0.0}], lr=args.rate)
    step, path = 0, args.folder / "head.pt"
    if args.resume:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        head.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimiser.load_state_dict(saved["optimiser"])
        step = saved["step"]
    rng = np.random.default_rng(args.seed + step)
    print(f"{sum(p.numel() for p in head.parameters())} parameters, {sum(map(len, sets))} pictures, from step {step}")
    stop, sums, start = args.stop_at or args.steps, np.zeros(3), time.time()
    began, first, done = time.time(), step, False

    def save():
        part = path.with_suffix(".part")
        torch.save({"model": head.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(),
                    "step": step}, part)
        part.replace(path)

    while not done:
        for items in batches(sets, weights, rng):
            head.train()
            progress = step / args.steps
            if args.minutes:
                spent = (time.time() - began) / 60 / args.minutes
                progress = max(progress, first / args.steps + (1 - first / args.steps) * spent)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, progress, args.rate)
            inputs, targets = load_batch(sets, items, torch.float32 if args.precise else torch.bfloat16)
            score_loss, box_loss = detection_loss(*flatten(head(inputs)), targets)
            optimiser.zero_grad()
            (score_loss + box_loss).backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 10.0)
            optimiser.step()
            step += 1
            decay = min(EMA_DECAY, step / (step + 10))
            with torch.no_grad():
                for average, value in zip(ema.state_dict().values(), head.state_dict().values()):
                    if value.dtype.is_floating_point:
                        average.lerp_(value, 1 - decay)
                    else:
                        average.copy_(value)
            sums += (score_loss.item(), box_loss.item(), 1)
            if step % 100 == 0:
                print(f"step {step}: scores {sums[0] / sums[2]:.3f} boxes {sums[1] / sums[2]:.3f} "
                      f"{(time.time() - start) / sums[2] * 1e3:.0f} ms a step", flush=True)
                sums, start = np.zeros(3), time.time()
            done = step >= stop or progress >= 1
            if done or step % args.save_every == 0:
                save()
            if done or step % args.test_every == 0:
                print(f"step {step}: {sentence(test(ema, kept_out))}", flush=True)
                start = time.time()
            if done:
                break


if __name__ == "__main__":
    main()
