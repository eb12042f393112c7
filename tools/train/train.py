"""Trains the YOCO model of mini on synthetic timelines.

    python -m tools.train.train --out tools/train/runs/mini --steps 6000

Checkpoints go to OUT every `--save-every` steps; `--resume` goes on from the last one (or `--from-model DIR` from the
shipped weights). The learning rate is constant after a warm-up and falls to zero over the last `--decay` steps, so a
run can be lengthened: resume with more steps.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import batches, classes, layout, text as text_module
from .export import load_weights
from .config import Config
from .model import EMBEDDING_RMS, Yoco
from .muon import Muon

COLD_STEPS = 60
LIVE = 0.25  # share of batches with the noise of a live stream, which is told before later frames can correct it


@torch.no_grad()
def start_from_words(model, text):
    """Starts a class's words near each other, and ties its column to its names."""
    dim = model.config.dim
    plain = set(text.pieces.encode("a an the of in at on"))
    taken = set(plain)
    for synonyms in (False, True):
        for c in range(layout.CLASSES):
            words = classes.SINGULAR_WORDS[c] + classes.PLURAL_WORDS[c]
            names = [classes.NAMES[c], classes.PLURALS[c]]
            centre = torch.randn(dim, generator=torch.Generator().manual_seed(c)) * EMBEDDING_RMS * dim**-0.5
            for word in words if synonyms else names:
                for piece in set(text.pieces.encode(word)) - taken:
                    model.embedding[piece] = 0.85 * centre + 0.5 * model.embedding[piece]
                    taken.add(piece)
    if not model.config.tied_output:
        model.output.weight.copy_(model.embedding.t() / EMBEDDING_RMS)
    for c, names in enumerate(zip(classes.NAMES, classes.PLURALS)):
        pieces = [piece for name in names for piece in text.pieces.encode(name) if piece not in plain]
        for piece in pieces:
            model.class_pieces[c, piece] += 1 / len(pieces)
    w = model.projector.weight
    w[: layout.PLAIN] *= 0.6
    w[layout.FOURIER : layout.SCENE] *= 0.4
    w[layout.SCENE : layout.ORDER] *= 0.2
    start_order(model)


@torch.no_grad()
def start_order(model):
    """The kind that was new before, the kind to the left: its class, turned out of the way of the class itself."""
    generator = torch.Generator().manual_seed(80)
    turn, aside = torch.linalg.qr(torch.randn(2, model.config.dim, model.config.dim, generator=generator))[0]
    w, c = model.projector.weight, slice(layout.CLASS, layout.CLASS + layout.CLASSES)
    w[layout.ORDER :] *= 0.6
    w[layout.PREVIOUS : layout.PREVIOUS + layout.CLASSES] = 0.5 * model.folded_projector()[c] @ turn
    w[layout.NEIGHBOUR : layout.NEIGHBOUR + layout.CLASSES] = 0.2 * model.folded_projector()[c] @ aside
    before, codes = layout.EVENTS_BEFORE, layout.EVENTS_WITH - layout.EVENTS_BEFORE
    w[layout.EVENTS_WITH : layout.EVENTS_WITH + codes] = w[before : before + codes] @ turn


def optimizers(model, lr):
    """Groups with their share of the rate ("lr_share") and the steps over which they warm up."""
    mixers, feeds, sharpness, rest = [], [], [], []
    for name, p in model.named_parameters():
        if p.ndim == 2 and name.startswith(("layers", "bridge")) and "decay" not in name:
            (feeds if ".ffn." in name else mixers).append(p)
        elif "logit_scale" in name or "sink" in name:
            sharpness.append(p)
        elif name != "embedding":
            rest.append(p)
    # What attention starts with (rows find their like, and copy it) must outlive the first steps, in which the
    # gradient is all about the language: the mixers wake late, and the embedding moves slowly.
    muon = Muon([{"params": feeds, "warm": 100}, {"params": mixers, "warm": 500}], lr=lr)
    adam = torch.optim.AdamW([{"params": [model.embedding], "lr_share": 0.25, "warm": 100},
                              {"params": sharpness, "lr_share": 0.1, "warm": 100},
                              {"params": rest, "warm": 100}], lr=lr, betas=(0.9, 0.98), weight_decay=0.0)
    return [muon, adam]


class Factors(argparse.Action):
    def __call__(self, parser, args, values, option=None):
        given = dict(value.split("=", 1) for value in values)
        unknown = set(given) - set(batches.SHARE) - set(batches.DRILL_SHARE)
        if unknown:
            parser.error(f"{option}: no kind of question is called {', '.join(sorted(unknown))}")
        setattr(args, self.dest, {kind: float(factor) for kind, factor in given.items()})


class Stream(torch.utils.data.IterableDataset):
    """Endless batches; the length of videos grows with the step."""

    def __init__(self, args, serialized, step, rank=0):
        self.args, self.serialized, self.step, self.rank = args, serialized, step, rank

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        text = text_module.Text(self.serialized)
        measured = json.loads(Path(self.args.noise).read_text()) if self.args.noise else {"rates": {}}
        step = self.step + worker
        while True:
            rng = np.random.default_rng((self.args.seed, step))
            most = int(np.interp(step, self.args.grow_steps, self.args.grow_frames))
            drilling = rng.random() < np.interp(step, [0, 400, 1000, 2500], [0.75, 0.6, 0.3, self.args.drills])
            long_answers = rng.random() < self.args.long_answers
            shares = batches.DRILL_SHARE if drilling else {
                k: v for k, v in batches.SHARE.items() if (k in batches.LONG) == long_answers}
            shares = {k: v * self.args.more.get(k, 1) for k, v in shares.items()}
            size = np.interp(step, [0, 600, 6000, 9000], [0.5, 0.5, 0.5, 1.0])
            low = 4 if rng.random() < 0.6 else max(4, most // 4)
            centre = float(np.exp(rng.uniform(np.log(low), np.log(most))))
            if rng.random() < 0.06:
                centre = float(rng.integers(1, 4))  # a still picture, a clip of seconds
            n_videos = int(np.clip(size * self.args.rows / (centre * 3.2), 3, 16))
            busy = self.args.busy if centre >= 24 else 0.0
            n_questions = size * self.args.questions / (2 if long_answers or drilling else 1)
            jumpy, days = 0.55, self.args.days
            if rng.random() < self.args.hours:
                # Every sampled row looks at every row of the video: fewer questions, or memory runs out.
                fewest, longest = np.log(self.args.hours_frames)
                centre, n_videos, busy = float(np.exp(rng.uniform(fewest, longest))), 1, 1.0
                jumpy, days = 0.8, max(days, 0.9)  # hardly any two of their times are far apart in every digit
                n_questions = max(n_questions * 100 / centre, 8 if long_answers or drilling else 24)
                shares = {k: v * (3 if k in batches.TIMED else 1) for k, v in shares.items()}
            n_questions = max(6, int(n_questions) // n_videos)
            live = rng.random() < LIVE and "live_rates" in measured
            noisy = {**batches.timeline.DEFAULT_NOISE, **measured["live_rates" if live else "rates"]}
            quiet = float(np.interp(step, [0, 1000], [0.2, 1.0]))
            noisy = {k: v if "frames" in k or "score" in k else v * quiet for k, v in noisy.items()}
            rng = np.random.default_rng((self.args.seed, step, self.rank))  # like work for all, each its own
            yield batches.make(rng, text, n_videos, n_questions, (max(1, int(centre * 0.8)), max(2, int(centre * 1.25))),
                               shares, jumpy=jumpy, noise=noisy, busy=busy, days=days)
            step += workers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("tools/train/runs/mini"))
    parser.add_argument("--tokenizer", type=Path, default=Path("assets/models/mini/tokenizer.model"))
    parser.add_argument("--steps", type=int, default=6000, help="stop after this step")
    parser.add_argument("--decay", type=int, default=0, help="let the learning rate fall over this many last steps")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--questions", type=int, default=256, help="questions a step")
    parser.add_argument("--rows", type=int, default=2400, help="video rows a step, about")
    parser.add_argument("--grow-steps", type=int, nargs="+", default=[0, 600, 1800, 3100, 3900])
    parser.add_argument("--grow-frames", type=int, nargs="+", default=[10, 24, 48, 60, 270])
    parser.add_argument("--noise", help="noise.json of tools/train/objects/noise.py (default: built-in rates)")
    parser.add_argument("--drills", type=float, default=0.15, help="share of batches that are drills, after the start")
    parser.add_argument("--long-answers", type=float, default=0.3, help="share of steps that ask for lists and captions")
    parser.add_argument("--busy", type=float, default=0.25, help="share of videos in which many kinds come and go")
    parser.add_argument("--days", type=float, default=batches.timeline.DAYS, help="share of videos that last days or begin late")
    parser.add_argument("--hours", type=float, default=0.0, help="share of steps about one long, busy video")
    parser.add_argument("--hours-frames", type=int, nargs=2, default=[400, 1200], help="the fewest and the most of such")
    parser.add_argument("--more", nargs="*", default={}, action=Factors, metavar="KIND=FACTOR", help="ask a kind more often")
    parser.add_argument("--look", type=float, default=0.1, help="weight of where the attention should look")
    parser.add_argument("--looking-heads", type=float, default=6, help="so many heads, over all layers, are enough")
    parser.add_argument("--finding-heads", type=float, default=2, help="so many for each row by which another is found")
    parser.add_argument("--bf16", action="store_true", help="multiply in bf16: faster where the processor can")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="each its own batch, gradients averaged")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cuda: reviewed, not yet run)")
    parser.add_argument("--minutes", type=float, default=1e9, help="save and stop after so long")
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--resume", action="store_true", help="go on from OUT's last checkpoint")
    parser.add_argument("--from-model", type=Path, help="start from the weights of a model directory")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.processes == 1:
        return train(0, args)
    meeting = args.out / f"meeting.{os.getpid()}"
    try:
        torch.multiprocessing.spawn(train, (args, meeting), args.processes)
    finally:
        meeting.unlink(missing_ok=True)


def average(model, late):
    """Averages the gradients of all processes; whether any of them is late."""
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in gradients] + [torch.tensor([float(late)])])
    torch.distributed.all_reduce(flat)
    flat /= torch.distributed.get_world_size()
    for p, mean in zip(model.parameters(), flat[:-1].split([g.numel() for g in gradients])):
        p.grad = mean.view_as(p)
    return bool(flat[-1] > 0)


def train(rank, args, meeting=None):
    if meeting:
        torch.distributed.init_process_group("gloo", f"file://{meeting.resolve()}", rank=rank, world_size=args.processes)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    serialized = args.tokenizer.read_bytes()
    text = text_module.Text(serialized)
    model = Yoco(Config(vocab_size=len(text)), text_module.TWO_DIGITS)
    start_from_words(model, text)
    if args.device != "cpu":
        torch.set_default_device(args.device)
    model.to(args.device)
    steppers = optimizers(model, args.lr)
    step, cold = 0, None
    last = args.out / "last.pt"
    if args.resume and last.exists():
        state = torch.load(last, weights_only=True, map_location=args.device)
        model.load_state_dict(state["model"])
        for stepper, saved in zip(steppers, state["optimizers"]):
            if len(saved["param_groups"]) == len(stepper.param_groups):
                shares = [group.get("lr_share", 1.0) for group in stepper.param_groups]
                stepper.load_state_dict(saved)
                for group, share in zip(stepper.param_groups, shares):
                    group["lr_share"] = share
        step = state["step"]
    elif args.from_model:
        step = cold = load_weights(model, args.from_model)  # no momentum yet: its first steps are small
    if rank == 0:
        print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, from step {step}", flush=True)

    loader = iter(torch.utils.data.DataLoader(Stream(args, serialized, step, rank), batch_size=None, num_workers=1,
                                              prefetch_factor=4))
    right, asked, losses, looks, finds = defaultdict(float), defaultdict(float), [], [], []
    started, since = time.time(), step
    while step < args.steps:
        batch = next(loader).to(args.device)
        falling = min(1.0, (args.steps - step) / args.decay) if args.decay else 1.0
        falling *= min(1.0, (step - cold + 1) / COLD_STEPS) if cold is not None else 1.0
        for stepper in steppers:
            for group in stepper.param_groups:
                warm = min(1.0, (step + 1) / group["warm"])
                group["lr"] = args.lr * group.get("lr_share", 1.0) * falling * warm
        with torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
            logits, target, question, rested, found = batches.run(model, batch, attention=True)
        loss = F.cross_entropy(logits.float(), target)
        # Enough heads, of any layer, should look at what the answer rests on; the others are free.
        looked = (rested.float() / args.looking_heads).clamp(max=1)
        via = (found.float() / args.finding_heads).clamp(max=1)
        missed = sum(-torch.log(x + 0.01).mean() for x in (looked, via) if len(x))
        for stepper in steppers:
            stepper.zero_grad()
        (loss + args.look * missed).backward()
        late = time.time() - started > args.minutes * 60
        if meeting:
            late = average(model, late)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
        step += 1
        if rank and late:
            break
        if rank:
            continue
        losses.append(loss.item())
        looks.append(float(looked.detach().mean()) if len(looked) else 1.0)
        finds.append(float(via.detach().mean()) if len(via) else 1.0)
        names = [kind for one in batch.kinds for kind in one]
        for name, good in zip(names, batches.exact(logits, target, question, len(names)).tolist()):
            right[name] += good
            asked[name] += 1
        if step % args.log_every == 0:
            pace = (time.time() - started) / (step - since)
            kinds = " ".join(f"{k}={right[k] / asked[k]:.2f}" for k in sorted(asked))
            total = sum(right[k] / asked[k] for k in batches.SHARE if asked[k]) / max(1, sum(asked[k] > 0 for k in batches.SHARE))
            print(f"step {step} loss {np.mean(losses):.3f} looks {np.mean(looks):.2f} finds {np.mean(finds):.2f} exact {total:.3f} {pace:.2f} s/step "
                  f"left {pace * (args.steps - step) / 60:.0f} min | {kinds}", flush=True)
            right, asked, losses, looks, finds = defaultdict(float), defaultdict(float), [], [], []
        if step % args.save_every == 0 or step == args.steps or late:
            aside = last.with_suffix(".part")
            torch.save({"model": model.state_dict(), "optimizers": [s.state_dict() for s in steppers], "step": step}, aside)
            aside.rename(last)
        if late:
            break


if __name__ == "__main__":
    main()
