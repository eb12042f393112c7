"""Runs the frozen trunk once over photos and made pictures, and keeps its three maps (f16) with their targets.

Sets: test (photos kept out), plain (the photos as they are), varied (crops, mirrored, worsened; the teacher labels the
clean crop), mosaic (2 to 12 small copies in a picture), mosaic_rare (the same, rare classes more often).
A set is two files in the folder:
  <set>.bin  f16, per picture c3, c4, c5 (each [channels, H, W]), one picture after the other
  <set>.npz  start [n] first value in .bin, canvas [n, 2] H and W in px, size [n, 2] of the picture inside it,
             count [n] boxes, boxes [N, 4] in px of the canvas, soft [N, 80] f16
"""
import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from . import augment
from .label import load_labels
from .pictures import letterbox, normalise, photo_list, read_rgb
from .teacher import Teacher
from .trunk import TRUNK_CHANNELS, TRUNK_MAPS, load_trunk

BATCH = 8
MOSAIC_WEIGHTS = {"pedestrians": 4.0, "flickr": 2.0, "indoor": 1.5, "houses": 1.0, "caltech": 0.8}  # others 1


RARE_SHARE = 0.05     # classes in fewer pictures than this share count more
MOST_WEIGHT = 4.0
EMPTY_WEIGHT = 0.4
SURE = 0.3


def rarity(soft):
    """soft [(N, 80) scores] a picture -> weight a picture: sqrt(RARE_SHARE / share) of its rarest class, 1..MOST_WEIGHT;
    EMPTY_WEIGHT where the teacher is sure of nothing."""
    present = [np.unique(s[s.max(1, initial=0) > SURE].argmax(1)) if len(s) else np.zeros(0, int) for s in soft]
    count = np.bincount(np.concatenate(present).astype(int), minlength=80)
    value = np.clip(np.sqrt(RARE_SHARE * len(soft) / np.maximum(count, 1)), 1, MOST_WEIGHT)
    return np.array([value[p].max() if len(p) else EMPTY_WEIGHT for p in present])


def map_shapes(height, width):
    return [(c, height // s, width // s) for c, s in zip(TRUNK_CHANNELS, (8, 16, 32))]


class FeatureSet:
    """Reads a set: maps and targets of one picture, straight from disk."""

    def __init__(self, folder, name):
        data = np.load(Path(folder) / f"{name}.npz")
        self.start, self.canvas, self.size, self.count = (data[k] for k in ("start", "canvas", "size", "count"))
        self.ends = np.cumsum(self.count)
        self.boxes, self.soft = data["boxes"], data["soft"]
        self.values = np.memmap(Path(folder) / f"{name}.bin", np.float16, "r")

    def __len__(self):
        return len(self.start)

    def maps(self, index):
        """[c3, c4, c5] f16 arrays [channels, H, W]."""
        at, maps = self.start[index], []
        for shape in map_shapes(*self.canvas[index]):
            n = int(np.prod(shape))
            maps.append(self.values[at:at + n].reshape(shape))
            at += n
        return maps

    def target(self, index):
        """(boxes [N, 4] px, soft [N, 80] f32)."""
        part = slice(self.ends[index] - self.count[index], self.ends[index])
        return self.boxes[part], self.soft[part].astype(np.float32)


class Writer:
    """Collects pictures by shape, runs them through the trunk in batches, appends to the set's files."""

    def __init__(self, folder, name, precise):
        self.folder, self.name = Path(folder), name
        self.dtype = torch.float32 if precise else torch.bfloat16
        self.trunk = load_trunk(with_classes=False).to(self.dtype).to(memory_format=torch.channels_last)
        self.file = open(self.folder / f"{name}.bin", "wb")
        self.waiting, self.at, self.rows = {}, 0, []

    def add(self, picture, boxes, soft):
        """boxes in 0..1 of the picture."""
        canvas, (height, width) = letterbox(picture)
        boxes = boxes * np.array([width, height] * 2, np.float32)
        group = self.waiting.setdefault(canvas.shape[:2], [])
        group.append((canvas, (height, width), boxes, soft))
        if len(group) == BATCH:
            self.flush(canvas.shape[:2])

    def flush(self, shape):
        group = self.waiting.pop(shape)
        images = torch.from_numpy(normalise([item[0] for item in group])).to(self.dtype)
        with torch.inference_mode():
            maps = self.trunk({"image": images.to(memory_format=torch.channels_last)})
        maps = [maps[name].half().contiguous().numpy() for name in TRUNK_MAPS]
        for index, (_, size, boxes, soft) in enumerate(group):
            values = np.concatenate([m[index].ravel() for m in maps])
            self.file.write(values.tobytes())
            self.rows.append((self.at, shape, size, boxes, soft))
            self.at += values.size

    def close(self):
        for shape in list(self.waiting):
            self.flush(shape)
        self.file.close()
        starts, canvases, sizes, boxes, soft = zip(*self.rows)
        np.savez(self.folder / f"{self.name}.npz", start=np.array(starts), canvas=np.array(canvases),
                 size=np.array(sizes), count=np.array([len(b) for b in boxes]),
                 boxes=np.concatenate(boxes).astype(np.float32), soft=np.concatenate(soft).astype(np.float16))


def make_set(name, photos, labels, teacher, writer, count, seed):
    """Fills writer with set `name`; count is the number of mosaics, or the copies of each photo (varied)."""
    test = name == "test"
    chosen = [i for i, (_, is_test) in enumerate(photos) if is_test == test]
    start = time.time()

    def progress(done, total):
        if done % 1000 == 0:
            print(f"{name}: {done} of {total}, {(time.time() - start) / done * 1e3:.0f} ms each", flush=True)

    if name in ("test", "plain"):
        for done, i in enumerate(chosen, 1):
            writer.add(read_rgb(photos[i][0]), *labels[i])
            progress(done, len(chosen))
    elif name.startswith("varied"):
        rng = np.random.default_rng(seed)
        for done, i in enumerate(chosen * count, 1):
            crop = augment.varied(read_rgb(photos[i][0]), rng)
            found = teacher.look(crop)
            writer.add(augment.worsen(crop, rng), *found)
            progress(done, len(chosen) * count)
    else:
        rng = np.random.default_rng(seed + 1)
        weights = np.array([MOSAIC_WEIGHTS.get(photos[i][0].parent.name, 1.0) for i in chosen])
        if name.startswith("mosaic_rare"):
            weights = rarity([labels[i][1] for i in chosen]) ** 1.5
        borders = np.cumsum(weights / weights.sum())

        def pick(rng):
            i = chosen[min(np.searchsorted(borders, rng.random()), len(chosen) - 1)]
            return (read_rgb(photos[i][0]), *labels[i])

        for done in range(1, count + 1):
            picture, boxes, soft = augment.mosaic(pick, rng)
            if rng.random() < 0.7:
                picture = augment.worsen(picture, rng)
            writer.add(picture, boxes, soft)
            progress(done, count)


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.features", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", required=True, help="folder of folders of photos")
    parser.add_argument("--teacher", required=True, help="yolox_nano.onnx (labels the varied crops)")
    parser.add_argument("--folder", type=Path, default=Path("tools/train/runs/objects"), help="labels.npz and sets")
    parser.add_argument("--sets", nargs="+", default=["test", "plain", "varied", "mosaic"],
                        help="any of test plain varied... mosaic... (a suffix names a further set; use another seed)")
    parser.add_argument("--mosaics", type=int, default=8000)
    parser.add_argument("--copies", type=int, default=1, help="varied pictures a photo")
    parser.add_argument("--take", type=int, help="only so many photos, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precise", action="store_true", help="trunk in f32 instead of bf16 (three times slower)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    photos, labels, teacher = photo_list(args.photos), load_labels(args.folder / "labels.npz"), Teacher(args.teacher)
    if args.take:
        drawn = np.sort(np.random.default_rng(args.seed).choice(len(photos), args.take, replace=False))
        photos, labels = [photos[i] for i in drawn], [labels[i] for i in drawn]
    for name in args.sets:
        writer = Writer(args.folder, name, args.precise)
        make_set(name, photos, labels, teacher, writer, args.mosaics if name.startswith("mosaic") else args.copies, args.seed)
        writer.close()
        print(f"{name}: {len(writer.rows)} pictures, {writer.at * 2 / 1e9:.2f} GB", flush=True)


if __name__ == "__main__":
    main()
