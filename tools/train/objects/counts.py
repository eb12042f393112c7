"""How many of a kind are told in real videos, held against the teacher's boxes of the same frames.

    python -m tools.train.objects.counts --teacher yolox_nano.onnx --videos assets/clips/pedestrians.mp4

noise.py holds what is told against itself a moment later: it sees what flickers, and not who is told long after they have
gone. Here a told box is true where it overlaps one of the teacher's by `OVERLAP`. With `boxes` the detector's boxes of that
score are told as they are, without a tracker.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from .boxes import iou
from .detect import Detector
from .head import CLASSES
from .noise import video_frames
from .teacher import Teacher
from .tracker import LIVE, PATIENT, track_video

OVERLAP = 0.2


def matched(told, true):
    """How many pairs, greedily, the largest overlap first; each box in one at most."""
    overlap = iou(told, true) if len(told) and len(true) else np.zeros((len(told), len(true)))
    pairs = 0
    while overlap.size and overlap.max() > OVERLAP:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        overlap[row], overlap[:, column] = 0, 0
        pairs += 1
    return pairs


def row(name, told, true):
    """A line of the table; told, true: boxes [N, 4] a frame."""
    pairs = sum(matched(a, b) for a, b in zip(told, true))
    off = np.array([len(a) - len(b) for a, b in zip(told, true)])
    return (f"| {name} | {pairs / max(1, sum(map(len, told))):.2f} | {pairs / max(1, sum(map(len, true))):.2f} | "
            f"{(off == 0).mean():.2f} | {(abs(off) <= 1).mean():.2f} | {off.mean():+.2f} |")


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.counts", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, help="yolox_nano.onnx")
    parser.add_argument("--videos", nargs="+", required=True)
    parser.add_argument("--fps", type=float, nargs="+", default=[1, 2])
    parser.add_argument("--kind", default="person", choices=CLASSES)
    parser.add_argument("--true", type=float, default=0.6, help="the teacher's score from which a box is true")
    parser.add_argument("--boxes", type=float, default=0.45, help="the score of boxes told without a tracker")
    parser.add_argument("--model", type=Path, default=Path("assets/models/mini"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    teacher, detector, kind = Teacher(args.teacher), Detector(args.model), CLASSES.index(args.kind)
    print("| video | true | found | as many | within one | too many |\n|---|---|---|---|---|---|")
    for path in args.videos:
        for fps in args.fps:
            frames = list(video_frames(path, fps))
            true = [boxes[soft[:, kind] >= args.true] for boxes, soft in map(lambda f: teacher.look(f)[:2], frames)]
            seen = [detector.detect(frame) for frame in frames]
            name = f"{Path(path).name}, {fps:g}/s"
            told = [boxes[(classes == kind) & (scores >= args.boxes)] for boxes, scores, classes in seen]
            print(row(f"{name}: no tracker", told, true))
            for way, options in (("file", PATIENT), ("live", LIVE)):
                tracks = track_video(seen, options)
                told = [np.array([t.box for t in frame if t.name == kind]).reshape(-1, 4) for frame in tracks]
                print(row(f"{name}: {way}", told, true))


if __name__ == "__main__":
    main()
