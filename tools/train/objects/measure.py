"""Detector figures against teacher boxes: recall, precision and average precision by class, at IoU 0.5."""
import numpy as np

from .boxes import iou
from .head import CLASSES

TRUTH_SCORE = 0.4     # teacher boxes above count as true
IOU = 0.5
COMMON = 20
PERSON = CLASSES.index("person")
PRECISION_WANTED = 0.7


def match(found, truths, unsure=None):
    """found [(boxes, scores, classes)], truths [(boxes, soft)] a picture, boxes on one scale.

    A found box that meets only a teacher box between unsure and TRUTH_SCORE is left out, if unsure is given.
    Returns (hits {class: [(score, is true)] best first}, totals [80] true boxes a class)."""
    hits = {c: [] for c in range(len(CLASSES))}
    totals = np.zeros(len(CLASSES), int)
    for (boxes, scores, classes), (truth, soft) in zip(found, truths):
        names, sure = soft.argmax(1) if len(soft) else np.zeros(0, int), soft.max(1, initial=0) > TRUTH_SCORE
        for c in np.unique(np.concatenate([classes, names[sure]]).astype(int)):
            mine, wanted = np.flatnonzero(classes == c), truth[sure & (names == c)]
            weak = truth[~sure & (names == c) & (soft.max(1, initial=0) >= unsure)] if unsure else truth[:0]
            excused = (iou(boxes[mine], weak) >= IOU).any(1)
            totals[c] += len(wanted)
            free = np.ones(len(wanted), bool)
            overlaps = iou(boxes[mine], wanted)
            for row in np.argsort(-scores[mine], kind="stable"):
                overlap = np.where(free, overlaps[row], 0)
                best = int(overlap.argmax()) if len(overlap) else -1
                good = best >= 0 and overlap[best] >= IOU
                if good:
                    free[best] = False
                elif excused[row]:
                    continue
                hits[c].append((float(scores[mine[row]]), good))
    return {c: sorted(h, key=lambda item: -item[0]) for c, h in hits.items()}, totals


def curve(hits, total):
    """(scores, precision, recall) arrays along falling score."""
    scores = np.array([s for s, _ in hits])
    good = np.cumsum([g for _, g in hits])
    count = np.arange(1, len(hits) + 1)
    return scores, good / count, good / max(total, 1)


def at_score(hits, total, score):
    """(precision, recall) of the boxes at or above a score."""
    kept = [g for s, g in hits if s >= score]
    return (sum(kept) / len(kept) if kept else 1.0), sum(kept) / max(total, 1)


def average_precision(hits, total):
    """Area under the precision-recall curve, precision made monotone."""
    if not hits or not total:
        return 0.0
    _, precision, recall = curve(hits, total)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def best_recall(hits, total, precision_wanted=PRECISION_WANTED):
    """(recall, precision, score): the lowest score at which precision is still what is wanted."""
    if not hits:
        return 0.0, 1.0, 1.0
    scores, precision, recall = curve(hits, total)
    good = np.flatnonzero(precision >= precision_wanted)
    last = good[-1] if len(good) else int(precision.argmax())
    return float(recall[last]), float(precision[last]), float(scores[last])


def summary(found, truths, unsure=None):
    """The issue's figures as a dict; 'common' lists the commonest classes."""
    hits, totals = match(found, truths, unsure)
    recall, precision, score = best_recall(hits[PERSON], totals[PERSON])
    common = np.argsort(-totals, kind="stable")[:COMMON]
    table = []
    for c in np.argsort(-totals, kind="stable"):
        if totals[c]:
            p, r = at_score(hits[c], totals[c], score)
            table.append({"class": CLASSES[c], "boxes": int(totals[c]), "recall": r, "precision": p,
                          "ap": average_precision(hits[c], totals[c])})
    common_precision = [row["precision"] for row in table[:COMMON]]
    return {"person_recall": recall, "person_precision": precision, "score": score,
            "common_recall": float(np.mean([row["recall"] for row in table[:COMMON]])),
            "common_precision": float(np.mean(common_precision)),
            "common_ap": float(np.mean([row["ap"] for row in table[:COMMON]])),
            "common": [CLASSES[c] for c in common], "table": table}


def sentence(figures):
    return (f"person recall {figures['person_recall']:.3f} at precision {figures['person_precision']:.3f} "
            f"(score {figures['score']:.2f}); {COMMON} commonest classes at that score: recall "
            f"{figures['common_recall']:.3f}, precision {figures['common_precision']:.3f}, AP {figures['common_ap']:.3f}")
