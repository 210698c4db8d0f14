"""Counts the pixels of one image by strongest class, value and outcome, for `ThresholdHistogram`.

It is the hot spot of scoring: only the maps of the classes present are looked at, and a pixel costs
one look-up for its outcome and one for its bin, in 32 bits.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from toco_core.constants import constant
from toco_core.scoring.threshold_grid import BINS, HIT, MISS, ON_BACKGROUND, STEPS

_THRESHOLDS = tuple(i / STEPS for i in range(STEPS + 1))
IGNORED = 3  # the outcome of pixels that do not count


def count_outcomes(
    maps: Tensor, classes: Tensor, truth: Tensor, num_classes: int, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """Count one image.

    Args:
        maps: (K, H, W) in 0..1, the CAMs of the classes present, compared in float32.
        classes: (K,) int64, 0..C - 1, in order.
        truth: (H, W) true labels, any integer type.
        num_classes: C.
        ignore_index: true label of the pixels that do not count.

    Returns:
        Outcomes (3, K, T + 1) and pixels of each true class (C + 1,), int64.

    Raises:
        ValueError: a true label that is neither a class, background, nor `ignore_index`.
    """
    labels = truth.flatten()
    valid = labels != ignore_index
    # Ignored pixels become a label of their own behind the last class.
    labels = labels.where(valid, num_classes + 1).int()
    pixels = _count_labels(labels, int(valid.sum()), num_classes)
    if not len(classes):
        return pixels.new_zeros(3, 0, BINS), pixels
    value, strongest = strongest_of(maps.float().flatten(1))
    table = first_bins(classes, num_classes)  # (K, C + 2)
    cell = table.flatten().index_select(0, strongest * table.shape[1] + labels) + bins_of(value)
    counts = torch.bincount(cell, minlength=(IGNORED + 1) * len(classes) * BINS)
    return counts.view(IGNORED + 1, len(classes), BINS)[:IGNORED], pixels


def _count_labels(labels: Tensor, valid: int, num_classes: int) -> Tensor:
    lowest, highest = (int(label) for label in labels.aminmax())
    if lowest >= 0 and highest <= num_classes + 1:
        counts = torch.bincount(labels, minlength=num_classes + 2)[:-1]
        if int(counts.sum()) == valid:
            return counts
    raise foreign_labels(lowest, highest, num_classes)


def foreign_labels(lowest: int, highest: int, num_classes: int) -> ValueError:
    """Return the error of labels that are neither a class nor background."""
    return ValueError(
        f"the truth has labels {lowest}..{highest}, outside 0..{num_classes}: check the class "
        "count and the ignore index of the data set"
    )


def strongest_of(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the highest value of (K, N) and its row, the first if several have it: (N,) each."""
    value, row = maps[0], torch.zeros_like(maps[0], dtype=torch.int32)
    for index in range(1, len(maps)):  # a few: faster than a reduction over the first dimension
        row = row.masked_fill(maps[index] > value, index)
        value = torch.maximum(value, maps[index])
    return value, row


def first_bins(classes: Tensor, num_classes: int) -> Tensor:
    """Return the first bin of each outcome and class by present class and true label."""
    count = len(classes)
    rows = torch.arange(count, device=classes.device)
    outcome = torch.full((count, num_classes + 2), MISS, dtype=torch.int32, device=classes.device)
    outcome[:, 0] = ON_BACKGROUND
    outcome[rows, classes + 1] = HIT
    outcome[:, num_classes + 1] = IGNORED
    return (outcome * count + rows[:, None].int()) * BINS  # (K, C + 2)


def bins_of(value: Tensor) -> Tensor:
    """Count the thresholds below each value, exactly: (N,) float32 -> (N,) int32.

    A threshold that is not the nearest is half a step away, which no rounding bridges.
    """
    nearest = (value * STEPS + 0.5).int().clamp_(0, STEPS)
    return nearest + (_grid(value.device).index_select(0, nearest) < value)


def _grid(device: torch.device) -> Tensor:
    """Return the thresholds as float32, as which a literal `value > threshold` compares them."""
    if device.type == "cpu":
        return _host_grid()
    return constant(_THRESHOLDS, device=device, dtype=torch.float32)


@cache
def _host_grid() -> Tensor:
    return torch.tensor(_THRESHOLDS, dtype=torch.float32)
