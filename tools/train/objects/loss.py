"""Which cell answers for which teacher box, and what it is punished for.

Assignment (after simOTA and RTMDet): a cell is a candidate for a box when its centre lies in the box or close to the
box's centre; a box takes its k cheapest candidates, k being the sum of its ten best overlaps (at least one); the cost
joins overlap, class and distance from the centre. A cell serves one box.
Score target: the teacher's 80 soft scores times the overlap reached, under quality focal loss; boxes under GIoU.
"""
import torch
import torch.nn.functional as F

CENTRE_RADIUS = 2.5   # in strides: no cell farther out serves a box
NEAR_RADIUS = 1.0     # in strides: cells that may serve without lying inside (tiny boxes)
OVERLAP_COST, CLASS_COST = 3.0, 1.0
BOX_WEIGHT = 2.0


def paired_iou(a, b, generalised=False):
    """Boxes of broadcastable shapes [..., 4] -> IoU (or GIoU) [...]."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    overlap = shared / union.clamp(min=1e-6)
    if not generalised:
        return overlap
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1).clamp(min=1e-6)
    return overlap - (hull - union) / hull


@torch.no_grad()
def assign(logits, boxes, centres, strides, truth, soft):
    """One picture. logits [cells, 80], boxes [cells, 4] px, truth [N, 4] px, soft [N, 80].
    Returns (cells [P], index of the box that each serves [P], overlap reached [P])."""
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    offset = centres[None] - middle[:, None]
    distance = offset.abs().amax(-1) / strides
    inside = ((centres[None] > truth[:, None, :2]) & (centres[None] < truth[:, None, 2:])).all(-1)
    candidate = (inside & (distance < CENTRE_RADIUS)) | (distance < NEAR_RADIUS)
    cells = candidate.any(0).nonzero()[:, 0]
    candidate = candidate[:, cells]
    overlap = paired_iou(truth[:, None], boxes[cells][None]) * candidate
    best, names = soft.max(1)
    chosen_logits = logits[cells][:, names].t()
    wanted = best[:, None] * overlap
    class_cost = F.binary_cross_entropy_with_logits(chosen_logits, wanted, reduction="none")
    class_cost = class_cost * (torch.sigmoid(chosen_logits) - wanted) ** 2
    reach = offset[:, cells].norm(dim=-1) / strides[cells]
    cost = OVERLAP_COST * -torch.log(overlap + 1e-6) + CLASS_COST * class_cost + 10 ** (reach - 3)
    cost = torch.where(candidate, cost, torch.full_like(cost, 1e9))
    k = overlap.topk(min(10, overlap.shape[1]), 1).values.sum(1).int().clamp(min=1)
    order = cost.argsort(1)[:, :10]
    taken = torch.arange(order.shape[1])[None] < k[:, None]
    matched = torch.zeros_like(candidate).scatter_(1, order, taken) & candidate
    owner = torch.where(matched, cost, torch.full_like(cost, 1e9)).argmin(0)
    served = matched.any(0)
    owner = owner[served]
    return cells[served], owner, overlap[owner, served.nonzero()[:, 0]]


def detection_loss(logits, sides, centres, strides, targets):
    """logits [batch, cells, 80], sides [batch, cells, 4] px, targets [(truth, soft)] -> (score loss, box loss).

    The score loss reads as the summed error of the scores for one sure box."""
    boxes = torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], -1)
    wanted = torch.zeros_like(logits)
    rows, cells, truths, weights = [], [], [], []
    for index, (truth, soft) in enumerate(targets):
        if not len(truth):
            continue
        cell, owner, overlap = assign(logits[index].detach(), boxes[index].detach(), centres, strides, truth, soft)
        wanted[index, cell] = soft[owner] * overlap[:, None]
        rows.append(torch.full_like(cell, index))
        cells.append(cell)
        truths.append(truth[owner])
        weights.append(soft[owner].amax(1))
    scale = max(wanted.amax(2).sum().item(), 1.0)
    # Quality focal loss with its factor |p - q|^2 held constant has the gradient (p - q)^3; written out, since the
    # cross entropy over all cells and classes would cost a quarter of a step.
    with torch.no_grad():
        gap = torch.sigmoid(logits) - wanted
        gradient = (gap * gap).mul_(gap).div_(scale)
        error = gap.abs().sum() / scale
    score_loss = (logits * gradient).sum()
    score_loss = score_loss + (error - score_loss).detach()
    if not rows:
        return score_loss, sides.sum() * 0
    weights = torch.cat(weights)
    reached = paired_iou(boxes[torch.cat(rows), torch.cat(cells)], torch.cat(truths), generalised=True)
    box_loss = ((1 - reached) * weights).sum() / weights.sum().clamp(min=1e-6)
    return score_loss, BOX_WEIGHT * box_loss
