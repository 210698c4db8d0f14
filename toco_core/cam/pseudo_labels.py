"""Labels read off a CAM: for scoring, for training, and for the token relations of PTC.

Throughout, a CAM is (B, C, H, W) in 0..1, `class_labels` is (B, C) of 0/1 for the classes present,
and a label is 0 background, 1..C classes, 255 ignore.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.boxes import box_mask

IGNORE_INDEX = 255


def mask_absent(cam: Tensor, class_labels: Tensor) -> Tensor:
    """Set the CAM of the classes that an image does not show to zero; returns (B, C, H, W)."""
    return cam * class_labels[:, :, None, None].to(cam.dtype)


def cam_to_label(
    cam: Tensor,
    class_labels: Tensor,
    bkg: float | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    boxes: Tensor | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Label every pixel with its strongest present class (paper, section 3.2, equation 3).

    Give `bkg` for a label to score, or `low` and `high` for a label to train with. With all three,
    pixels between `high` and `bkg` become background, as in the authors' code; so only a `bkg`
    above `high` makes a difference.

    Args:
        cam: (B, C, H, W) in 0..1.
        class_labels: (B, C), 0/1.
        bkg: background where the strongest value is at most this.
        low: background where it is at most this.
        high: `ignore_index` where it is above `low` and at most this.
        boxes: (B, 4) px of the CAM; `ignore_index` outside. None: everything is valid.
        ignore_index: the label of pixels that do not count.

    Returns:
        (B, H, W) int64.

    Raises:
        ValueError: thresholds are missing, incomplete or out of order.
    """
    _check_thresholds(bkg, low, high)
    value, index = mask_absent(cam, class_labels).max(dim=1)  # (B, H, W) each
    label = index + 1
    if bkg is not None:
        label = label.masked_fill(value <= bkg, 0)
    if low is not None and high is not None:
        label = label.masked_fill(value <= high, ignore_index).masked_fill(value <= low, 0)
    return label if boxes is None else ignore_outside(label, boxes, ignore_index=ignore_index)


def _check_thresholds(bkg: float | None, low: float | None, high: float | None) -> None:
    if bkg is None and low is None and high is None:
        raise ValueError("no threshold: give bkg (to score), or low and high (to train)")
    if (low is None) != (high is None):
        raise ValueError(f"low {low} and high {high} only work together: give both or neither")
    if low is not None and high is not None and not low < high:
        raise ValueError(f"low {low} must be below high {high}")


def ignore_outside(
    labels: Tensor,
    boxes: Tensor,
    cell: tuple[float, float] = (1.0, 1.0),
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Replace the labels (B, H, W) outside the valid boxes (B, 4) by `ignore_index`."""
    inside = box_mask(boxes, (labels.shape[-2], labels.shape[-1]), cell)  # (B, H, W)
    return labels.masked_fill(~inside, ignore_index)


def token_labels(
    cam: Tensor,
    class_labels: Tensor,
    low: float,
    high: float,
    boxes: Tensor,
    grid: tuple[int, int],
    *,
    ignore_index: int = IGNORE_INDEX,
    unscaled_boxes: bool = False,
) -> Tensor:
    """Label the patch tokens from the CAM (paper, section 3.2).

    Args:
        cam: (B, C, H, W) in 0..1, at the resolution of the image.
        class_labels: (B, C), 0/1.
        low: background at most here.
        high: uncertain (`ignore_index`) above `low` and at most here.
        boxes: (B, 4) px of the image. A token counts when its whole patch is inside: one that
            also sees padding is no evidence of its class.
        grid: tokens, (h, w).
        ignore_index: the label of tokens that do not count.
        unscaled_boxes: reproduce the authors' code, which reads the box's pixels as tokens and
            thereby ignores most of a padded image.

    Returns:
        (B, h, w) int64.
    """
    resized = F.interpolate(cam, size=grid, mode="bilinear", align_corners=False)  # (B, C, h, w)
    labels = cam_to_label(resized, class_labels, low=low, high=high, ignore_index=ignore_index)
    patch = (cam.shape[-2] / grid[0], cam.shape[-1] / grid[1])
    cell = (1.0, 1.0) if unscaled_boxes else patch
    return ignore_outside(labels, boxes, cell, ignore_index)


def token_affinity(labels: Tensor, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Relate every pair of tokens (paper, section 3.2): the targets of PTC.

    Args:
        labels: (B, h, w) of the tokens.
        ignore_index: label of the tokens that do not count.

    Returns:
        (B, N, N) uint8, N = h * w: 1 same label, 0 different, 255 if either is ignored or i = j.
    """
    flat = labels.flatten(1)  # (B, N)
    ignored = flat == ignore_index
    itself = torch.eye(flat.shape[1], dtype=torch.bool, device=flat.device)
    same = (flat[:, :, None] == flat[:, None, :]).to(torch.uint8)  # (B, N, N)
    return same.masked_fill(ignored[:, :, None] | ignored[:, None, :] | itself, IGNORE_INDEX)


def uncertainty_map(cam: Tensor, class_labels: Tensor, low: float, high: float) -> Tensor:
    """Tell background, uncertain and foreground regions apart (paper, section 3.3).

    Args:
        cam: (B, C, H, W) in 0..1, of the auxiliary classifier.
        class_labels: (B, C), 0/1.
        low: background at most here.
        high: foreground from here.

    Returns:
        (B, H, W) uint8: 0 background, 1 uncertain, 2 foreground.
    """
    value = mask_absent(cam, class_labels).amax(dim=1)  # (B, H, W)
    return (value > low).to(torch.uint8) + (value >= high).to(torch.uint8)
