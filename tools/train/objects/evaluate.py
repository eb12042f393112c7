"""Measures the exported detector against the teacher on the photos kept out of training; prints markdown.

True is a teacher box with score above 0.4; a found box is right when it has the class and overlaps by 0.5 or more.
"""
import argparse
import json
from pathlib import Path

import cv2
import torch

from .detect import Detector
from .label import load_labels
from .measure import PERSON, at_score, match, sentence, summary
from .pictures import photo_list, read_rgb

UNSURE = 0.15
SCORES = (0.2, 0.3, 0.45, 0.6)   # 0.2 and 0.45 are the tracker's thresholds


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", required=True, help="folder of folders of photos")
    parser.add_argument("--labels", type=Path, default=Path("tools/train/runs/objects/labels.npz"))
    parser.add_argument("--model", type=Path, default=Path("assets/models/mini"))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detector, labels = Detector(args.model), load_labels(args.labels)
    found, truths, names = [], [], []
    for (path, is_test), label in zip(photo_list(args.photos), labels):
        if is_test:
            found.append(detector.detect(read_rgb(path)))
            truths.append(label)
            names.append(path.parent.name)
    figures = summary(found, truths)
    print(f"{len(found)} photos kept out, teacher boxes above 0.4 at IoU 0.5\n\n{sentence(figures)}\n")
    print(f"Leaving out boxes that meet a teacher box between {UNSURE} and 0.4: {sentence(summary(found, truths, UNSURE))}\n")
    hits, totals = match(found, truths)
    print("| Score from | person precision | person recall | common precision | common recall |\n|---|---|---|---|---|")
    common = [row["class"] for row in figures["table"][:20]]
    ids = [list(detector.config["objects"]["classes"]).index(name) for name in common]
    for score in SCORES:
        rates = [at_score(hits[c], totals[c], score) for c in ids]
        person = at_score(hits[PERSON], totals[PERSON], score)
        print(f"| {score} | {person[0]:.2f} | {person[1]:.2f} | {sum(p for p, _ in rates) / len(ids):.2f} "
              f"| {sum(r for _, r in rates) / len(ids):.2f} |")
    print("\n| Folder | person boxes | person recall | precision |\n|---|---|---|---|")
    for folder in sorted(set(names)):
        part = [k for k, name in enumerate(names) if name == folder]
        some, total = match([found[k] for k in part], [truths[k] for k in part])
        if total[PERSON] >= 10:
            precision, recall = at_score(some[PERSON], total[PERSON], figures["score"])
            print(f"| {folder} | {total[PERSON]} | {recall:.2f} | {precision:.2f} |")
    print(f"\n| Class | boxes | recall | precision | AP |\n|---|---|---|---|---|")
    for row in figures["table"]:
        if row["boxes"] >= 5:
            print(f"| {row['class']} | {row['boxes']} | {row['recall']:.2f} | {row['precision']:.2f} | {row['ap']:.2f} |")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
