"""Runs the teacher over a folder of photos once and keeps its boxes (labels.npz).

labels.npz: count [photos] boxes a photo, boxes [N, 4] f32 in 0..1, soft [N, 80] f16 scores, in the order of
pictures.photo_list; is_test [photos] marks the photos kept from training.
"""
import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from .pictures import photo_list, read_rgb
from .teacher import Teacher


def load_labels(path):
    """[(boxes, soft)] a photo, in the order of photo_list."""
    try:
        data = np.load(path)
    except FileNotFoundError:
        raise SystemExit(f"reading {path}: no such file; run python -m tools.train.objects.label first")
    ends = np.cumsum(data["count"])
    boxes, soft = data["boxes"], data["soft"].astype(np.float32)
    return [(boxes[end - n:end], soft[end - n:end]) for n, end in zip(data["count"], ends)]


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.label", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", required=True, help="folder of folders of photos")
    parser.add_argument("--teacher", required=True, help="yolox_nano.onnx")
    parser.add_argument("--out", type=Path, default=Path("tools/train/runs/objects/labels.npz"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    teacher = Teacher(args.teacher)
    photos = photo_list(args.photos)
    counts, boxes, soft, start = [], [], [], time.time()
    for index, (path, _) in enumerate(photos):
        found = teacher.look(read_rgb(path))
        counts.append(len(found[0]))
        boxes.append(found[0])
        soft.append(found[1].astype(np.float16))
        if index % 1000 == 999:
            print(f"{index + 1} of {len(photos)} photos, {(time.time() - start) / (index + 1) * 1e3:.0f} ms each", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(args.out, count=np.array(counts), boxes=np.concatenate(boxes).astype(np.float32),
             soft=np.concatenate(soft), is_test=np.array([test for _, test in photos]))
    print(f"wrote {args.out}: {sum(counts)} boxes")


if __name__ == "__main__":
    main()
