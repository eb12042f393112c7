"""Measures what the detector and tracker get wrong from frame to frame, for the synthetic timelines (noise.json).

Real videos are sampled at 1 and 2 frames a second; what a class's count is there is taken as the median of five
frames. Still videos are made of photos kept from training: a slow pan and zoom, unsteady hands, grain, JPEG; their
content does not change, so every change that the tracker reports is noise.

Everything is measured twice: as a file is tracked (tracker.PATIENT), and live (tracker.LIVE; "live_rates", "live").

noise.json: "rates" are what tools/train/timeline.py draws from (a frame; lengths in frames, jitter in shares of the
picture, scores the quartiles of true and of false classes; count_off for two or three of a class, _single for one, _crowd for four and more); "still" and "video" hold the
same and more by source, "confusion" (teacher's class: what the student says), "score", "classes" the details.
"""
import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch

from .boxes import iou
from .detect import Detector
from .head import CLASSES
from .label import load_labels
from .pictures import photo_list, read_rgb
from .tracker import LIVE, PATIENT, track_video

LONGEST_GAP = 3       # frames: a longer absence in a real video counts as true
LONGEST_BLIP = 2      # frames: a longer presence in a real video counts as true


def video_frames(path, fps):
    """RGB frames of a video, one every 1 / fps s."""
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise SystemExit(f"opening {path}: not a video that OpenCV knows")
    rate, index, due = capture.get(cv2.CAP_PROP_FPS) or 25.0, 0, 0.0
    while capture.grab():
        if index / rate >= due - 1e-6:
            good, frame = capture.retrieve()
            if good:
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            due += 1 / fps
        index += 1


def still_video(photo, frames, rng):
    """(frame, window x y w h in 0..1 of the photo) of a slow pan over a photo."""
    height, width = photo.shape[:2]
    zoom = np.linspace(*rng.uniform(0.86, 0.98, 2), frames)
    start, end = rng.uniform(0, 1, 2), rng.uniform(0, 1, 2)
    quality, grain, shake = int(rng.integers(30, 90)), rng.uniform(0, 6), rng.uniform(0, 0.004)
    light = rng.uniform(0, 0.04)
    grey = rng.random() < 0.2
    for k in range(frames):
        part = k / max(frames - 1, 1)
        corner = np.clip((start * (1 - part) + end * part) * (1 - zoom[k]) + rng.normal(0, shake, 2), 0, 1 - zoom[k])
        scale = zoom[k]
        matrix = np.array([[1 / scale, 0, -corner[0] / scale * width], [0, 1 / scale, -corner[1] / scale * height]])
        frame = cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        frame = frame * (1 + rng.normal(0, light)) + rng.normal(0, grain, frame.shape)
        frame = np.clip(frame, 0, 255).astype(np.uint8)
        if grey:
            frame = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        yield cv2.imdecode(data, cv2.IMREAD_COLOR), np.array([corner[0], corner[1], scale, scale])


def counts_of(video):
    """[80, frames] how many of each class are reported."""
    counts = np.zeros((len(CLASSES), len(video)), int)
    for f, tracks in enumerate(video):
        for track in tracks:
            counts[track.name, f] += 1
    return counts


def scores_of(video):
    """[80, frames] best score of each class."""
    scores = np.zeros((len(CLASSES), len(video)))
    for f, tracks in enumerate(video):
        for track in tracks:
            scores[track.name, f] = max(scores[track.name, f], track.score)
    return scores


def runs(present):
    """[(first, last + 1, value)] of a boolean array."""
    edges = np.flatnonzero(np.diff(present.astype(int))) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(present)]])
    return [(int(a), int(b), bool(present[a])) for a, b in zip(starts, ends)]


class Tally:
    """Sums over videos."""

    def __init__(self):
        self.frames = self.present = self.counted = 0
        self.gaps, self.blips, self.blip_classes = [], [], Counter()
        self.off = Counter()            # (true count, difference) -> frames
        self.flips = self.steady = 0
        self.true_scores, self.false_scores = [], []  # mean of each class's frames

    def add_presence(self, present, truly, scores, name):
        """present, truly: boolean [frames] of one class, scores [frames]."""
        self.present += int(truly.sum())
        for into, where in ((self.true_scores, present & truly), (self.false_scores, present & ~truly)):
            if where.any():
                into.append(scores[where].mean())
        inside = runs(truly)
        for a, b, value in inside:
            for c, d, seen in runs(present[a:b]):
                if value and not seen:
                    self.gaps.append(d - c)
                if not value and seen:
                    self.blips.append(d - c)
                    self.blip_classes[CLASSES[name]] += 1

    def add_counts(self, counts, steady):
        """counts, steady: [frames] of one class; only where both are above 0."""
        for value, true in zip(counts, steady):
            if value and true:
                self.off[min(int(true), 8), int(np.clip(value - true, -3, 3))] += 1

    def add_thirds(self, thirds):
        """Sets of thirds of one class in following frames of the same count."""
        for a, b in zip(thirds, thirds[1:]):
            if a is not None and b is not None and a[0] == b[0]:
                self.steady += 1
                self.flips += a[1] != b[1]

    def result(self):
        total = Counter()
        for (true, _), n in self.off.items():
            total[true] += n

        def off(counts):
            """Share of frames with another count than the true one, over these true counts."""
            all_ = sum(n for (true, _), n in self.off.items() if true in counts)
            return sum(n for (true, d), n in self.off.items() if true in counts and d) / max(all_, 1)

        return {"frames": self.frames, "present_frames": self.present,
                "vanish": len(self.gaps) / max(self.present, 1), "vanish_frames": float(np.mean(self.gaps or [1])),
                "gap_lengths": dict(sorted(Counter(min(g, 8) for g in self.gaps).items())),
                "spurious": len(self.blips) / max(self.frames, 1), "spurious_frames": float(np.mean(self.blips or [1])),
                "blip_lengths": dict(sorted(Counter(min(b, 8) for b in self.blips).items())),
                "spurious_classes": dict(self.blip_classes.most_common(20)),
                "count_off_single": off((1,)), "count_off": off((2, 3)), "count_off_crowd": off((4, 5, 6, 7, 8)),
                "count_difference": {str(t): {str(d): round(self.off[t, d] / total[t], 4) for d in range(-3, 4)
                                              if self.off[t, d]} for t in sorted(total)},
                "count_frames": {str(t): total[t] for t in sorted(total)},
                "thirds_flip": self.flips / max(self.steady, 1)}


def thirds_of(tracks, name, window=None):
    """(count, set of thirds) of a class in a frame; window maps boxes back to the photo."""
    centres = []
    for track in tracks:
        if track.name == name:
            x = (track.box[0] + track.box[2]) / 2
            centres.append(x if window is None else window[0] + x * window[2])
    if not centres:
        return None
    return len(centres), frozenset(min(2, int(3 * x)) for x in centres)


def see_stills(detector, photos, frames, rng):
    """[(windows, detections, teacher boxes, teacher soft scores)] of still videos of (photo, boxes, soft scores)."""
    seen = []
    for photo, truth, soft in photos:
        shown = list(still_video(photo, frames, rng))
        seen.append(([window for _, window in shown], [detector.detect(frame) for frame, _ in shown], truth, soft))
    return seen


def measure_stills(seen, options, frames, confusion, scores):
    """(Tally, jitter by side) of what see_stills() saw."""
    tally, jitter = Tally(), {"cx": [], "cy": [], "w": [], "h": [], "log_w": [], "log_h": []}
    for windows, detections, truth, soft in seen:
        video = track_video(detections, options)
        tally.frames += frames
        counts, best = counts_of(video), scores_of(video)
        for name in np.flatnonzero(counts.any(1)):
            present = counts[name] > 0
            truly = np.full(frames, present.mean() >= 0.5)
            tally.add_presence(present, truly, best[name], name)
            if truly[0]:
                mode = np.bincount(counts[name][present]).argmax()
                tally.add_counts(counts[name], np.full(frames, mode))
                tally.add_thirds([thirds_of(tracks, name, w) for tracks, w in zip(video, windows)])
        paths = {}
        for tracks, (x, y, w, h) in zip(video, windows):
            for track in tracks:
                box = track.box * np.array([w, h, w, h]) + np.array([x, y, x, y])
                paths.setdefault(track.id, []).append((*((box[:2] + box[2:]) / 2), *(box[2:] - box[:2]), track.score))
        for path in paths.values():
            if len(path) >= frames * 0.7:
                path = np.array(path)
                for k, side in enumerate(("cx", "cy", "w", "h")):
                    jitter[side].append(path[:, k].std())
                jitter["log_w"].append(np.log(np.maximum(path[:, 2], 1e-3)).std())
                jitter["log_h"].append(np.log(np.maximum(path[:, 3], 1e-3)).std())
                scores["mean"].append(path[:, 4].mean())
                scores["within"].append(path[:, 4].std())
        compare(video[frames // 2], windows[frames // 2], truth, soft, confusion)
    return tally, jitter


def compare(tracks, window, truth, soft, confusion):
    """Counts what the student calls the teacher's sure boxes in one frame."""
    sure = soft.max(1, initial=0) > 0.5
    if not sure.any():
        return
    boxes = np.stack([t.box * np.tile(window[2:], 2) + np.tile(window[:2], 2) for t in tracks]) if tracks else np.zeros((0, 4))
    overlap = iou(truth[sure], boxes)
    for row, name in zip(overlap, soft[sure].argmax(1)):
        said = "nothing"
        if len(row) and row.max() >= 0.5:
            near = [tracks[k].name for k in np.flatnonzero(row >= 0.5)]
            said = CLASSES[name] if name in near else CLASSES[tracks[int(row.argmax())].name]
        confusion.setdefault(CLASSES[name], Counter())[said] += 1


def measure_video(detections, options, tally):
    video = track_video(detections, options)
    frames = len(video)
    tally.frames += frames
    if frames < 5:
        return
    counts, best = counts_of(video), scores_of(video)
    for name in np.flatnonzero(counts.any(1)):
        present = counts[name] > 0
        truly = present.copy()
        for a, b, value in runs(truly):            # short gaps between longer stays are noise
            if not value and a > 0 and b < frames and b - a <= LONGEST_GAP:
                truly[a:b] = True
        for a, b, value in runs(truly):            # so are short stays
            if value and b - a <= LONGEST_BLIP and a > 0 and b < frames:
                truly[a:b] = False
        tally.add_presence(present, truly, best[name], name)
        padded = np.pad(counts[name], 2, mode="edge")
        steady = np.median(np.stack([padded[k:k + frames] for k in range(5)]), 0).astype(int)
        tally.add_counts(counts[name], steady)
        tally.add_thirds([thirds_of(tracks, name) for tracks in video])


def measure(seen, videos, options, frames):
    """What noise.json holds of one way to track. seen: see_stills(); videos: detections of each frame by name."""
    confusion, scores = {}, {"mean": [], "within": []}
    stills, jitter = measure_stills(seen, options, frames, confusion, scores)
    real, both = {}, Tally()
    for name, detections in videos.items():
        tally = Tally()
        measure_video(detections, options, tally)
        real[name] = tally.result()
        measure_video(detections, options, both)
    still, video = stills.result(), both.result()

    def mixed(key):
        """Stills and videos count alike: the first are many scenes, the second true motion."""
        return (still[key] + video[key]) / 2 if videos else still[key]

    rates = {key: round(mixed(key), 4) for key in ("vanish", "vanish_frames", "count_off_single", "count_off",
                                                    "count_off_crowd", "spurious", "spurious_frames")}
    for key, values in (("score_true", stills.true_scores + both.true_scores),
                        ("score_false", stills.false_scores + both.false_scores)):
        rates[key] = [round(float(np.quantile(values or [0.5], q)), 3) for q in (0.0, 0.25, 0.5, 0.75, 1.0)]
    rates["jitter"] = round(float(np.mean([np.mean(jitter[side] or [0]) for side in ("cx", "cy", "w", "h")])), 4)
    return {
        "rates": rates,
        "still": still, "video": video, "videos": real,
        "jitter": {side: {"mean": round(float(np.mean(v or [0])), 4), "p90": round(float(np.quantile(v or [0], 0.9)), 4)}
                   for side, v in jitter.items()},
        "score": {"mean": {str(q): round(float(np.quantile(scores["mean"] or [0], q)), 3) for q in (.05, .25, .5, .75, .95)},
                  "std_within_track": round(float(np.mean(scores["within"] or [0])), 4)},
        "confusion": {name: {said: n for said, n in row.most_common(6)} for name, row in
                      sorted(confusion.items(), key=lambda item: -sum(item[1].values()))},
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.train.objects.noise", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", required=True, help="folder of folders of photos")
    parser.add_argument("--videos", nargs="*", default=[], help="real videos, sampled at 1 and 2 frames a second")
    parser.add_argument("--labels", type=Path, default=Path("tools/train/runs/objects/labels.npz"))
    parser.add_argument("--model", type=Path, default=Path("assets/models/mini"))
    parser.add_argument("--out", type=Path, default=Path("tools/train/noise.json"))
    parser.add_argument("--stills", type=int, default=400, help="photos to make still videos of")
    parser.add_argument("--frames", type=int, default=14, help="frames of a still video")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detector, labels, rng = Detector(args.model), load_labels(args.labels), np.random.default_rng(args.seed)
    all_photos = photo_list(args.photos)
    kept_out = [k for k, (_, is_test) in enumerate(all_photos) if is_test]
    chosen = rng.choice(kept_out, min(args.stills, len(kept_out)), replace=False)
    stills = see_stills(detector, ((read_rgb(all_photos[k][0]), *labels[k]) for k in chosen), args.frames, rng)
    videos = {f"{Path(path).name} at {fps}/s": [detector.detect(frame) for frame in video_frames(path, fps)]
              for path in args.videos for fps in (1, 2)}
    seen = Counter(name for k in kept_out for name in labels[k][1][labels[k][1].max(1, initial=0) > 0.4].argmax(1).tolist())
    live = measure(stills, videos, LIVE, args.frames)
    report = {
        "command": "python -m tools.train.objects.noise " + " ".join(
            Path(a).name if a.startswith("/") else a for a in sys.argv[1:]),
        **measure(stills, videos, PATIENT, args.frames),
        "live_rates": live["rates"], "live": {key: live[key] for key in ("still", "video")},
        "classes": {CLASSES[name]: n for name, n in seen.most_common()},
    }
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({key: report[key] for key in ("rates", "live_rates", "still", "video")}, indent=1))


if __name__ == "__main__":
    main()
