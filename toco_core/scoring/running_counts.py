"""Counts many images for `ThresholdHistogram`: on the CPU, or on a GPU without waits.

The counts of the first of them are kept by themselves too, where that is asked for.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from toco_core.scoring.image_counts import COARSE_BINS, COARSE_STEPS, ImageCounts, coarse
from toco_core.scoring.threshold_counts import (
    IGNORED,
    bins_of,
    first_bins,
    foreign_labels,
    strongest_of,
)
from toco_core.scoring.threshold_grid import BINS
from toco_core.scoring.thresholds import ThresholdHistogram


class RunningCounts(Protocol):
    """Counts that images are added to."""

    def add(self, maps: Tensor, classes: Tensor, truth: Tensor) -> None:
        """Count one image; arguments as of `ThresholdHistogram.of_present`."""
        ...

    def histogram(self) -> ThresholdHistogram:
        """Wait for the counts of all images, and return them.

        Raises:
            ValueError: a true label was neither a class, background, nor `ignore_index`.
        """
        ...

    def by_image(self) -> ImageCounts | None:
        """Return the counts of the images that were to be kept, after `histogram`; if any were."""
        ...


def counts_on(
    device: torch.device, num_classes: int, ignore_index: int, keep: int = 0
) -> RunningCounts:
    """Start counting where the CAMs are.

    Args:
        device: on which they are.
        num_classes: C, without background.
        ignore_index: true label of the pixels that do not count.
        keep: of the first so many images keep their own counts too.
    """
    if device.type == "cpu":
        return HostCounts(num_classes, ignore_index, keep)
    return DeviceCounts(num_classes, ignore_index, device, keep)


class HostCounts:
    """Counts on the CPU, which reads each image's maps while they are in its cache."""

    def __init__(self, num_classes: int, ignore_index: int, keep: int = 0) -> None:
        self._total = ThresholdHistogram.empty(num_classes)
        self._num_classes, self._ignore_index = num_classes, ignore_index
        self._keep = keep
        self._kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]] = []

    def add(self, maps: Tensor, classes: Tensor, truth: Tensor) -> None:
        one = ThresholdHistogram.of_present(
            maps, classes, truth, self._num_classes, self._ignore_index
        )
        self._total += one
        if len(self._kept) < self._keep:
            shown = _shown(classes, self._num_classes)
            outcomes = np.zeros((3, self._num_classes, COARSE_BINS), np.int64)
            outcomes[:, shown] = coarse(one.outcomes[:, shown])  # the others are zero
            self._kept.append((outcomes, one.truth, shown))

    def histogram(self) -> ThresholdHistogram:
        return self._total

    def by_image(self) -> ImageCounts | None:
        if not self._kept:
            return None
        outcomes, truth, shown = map(np.stack, zip(*self._kept, strict=True))
        return ImageCounts.of(outcomes, truth, shown)


def _shown(classes: Tensor, num_classes: int) -> NDArray[np.bool_]:
    """Return which classes are among some, (C,)."""
    shown = np.zeros(num_classes, np.bool_)
    shown[classes.cpu().numpy()] = True
    return shown


class DeviceCounts:
    """Counts on a GPU, where the host waits once, at their end.

    They are integers, whose sum does not depend on the order of the atomic additions.

    Args:
        num_classes: C, without background.
        ignore_index: true label of the pixels that do not count.
        device: where the CAMs are.
        keep: of the first so many images keep their own counts too: rows 1 and on.
    """

    def __init__(
        self, num_classes: int, ignore_index: int, device: torch.device, keep: int = 0
    ) -> None:
        self._num_classes, self._ignore_index, self._keep = num_classes, ignore_index, keep
        every = torch.arange(num_classes, device=device)
        self._first_bins = first_bins(every, num_classes).flatten()  # (C * (C + 2),)
        cells = (IGNORED + 1) * num_classes * BINS
        zeros = torch.zeros(1 + keep, cells, dtype=torch.int64, device=device)
        self._outcomes = zeros
        self._truth = zeros.new_zeros(1 + keep, num_classes + 2)
        self._kept: list[Tensor] = []  # the classes of each image that has a row, on the CPU
        self._lowest, self._highest = zeros.new_zeros(()), zeros.new_zeros(())

    def add(self, maps: Tensor, classes: Tensor, truth: Tensor) -> None:
        labels = self._checked(truth.flatten().long())
        ones = torch.ones_like(labels)
        row = self._next_row(classes)
        self._truth[row].index_add_(0, labels, ones)
        if not len(classes):
            return
        value, place = strongest_of(maps.float().flatten(1))
        strongest = classes.to(labels.device, non_blocking=True).index_select(0, place)
        cell = strongest * (self._num_classes + 2) + labels
        self._outcomes[row].index_add_(0, self._first_bins[cell] + bins_of(value), ones)

    def _next_row(self, classes: Tensor) -> int:
        if len(self._kept) == self._keep:
            return 0
        self._kept.append(classes)
        return len(self._kept)

    def histogram(self) -> ThresholdHistogram:
        lowest, highest = int(self._lowest), int(self._highest)
        if lowest < 0 or highest > self._num_classes:
            raise foreign_labels(lowest, highest, self._num_classes)
        outcomes = self._outcomes.sum(dim=0).view(IGNORED + 1, self._num_classes, BINS)
        truth = self._truth.sum(dim=0)[:-1].cpu().numpy()
        return ThresholdHistogram(outcomes[:IGNORED].cpu().numpy(), truth)

    def by_image(self) -> ImageCounts | None:
        if not self._kept:
            return None
        rows = slice(1, 1 + len(self._kept))
        counted = self._outcomes[rows].view(-1, IGNORED + 1, self._num_classes, BINS)[:, :IGNORED]
        shown = np.stack([_shown(classes, self._num_classes) for classes in self._kept])
        truth = self._truth[rows, :-1].cpu().numpy()
        return ImageCounts.of(_coarse_there(counted).cpu().numpy(), truth, shown)

    def _checked(self, labels: Tensor) -> Tensor:
        """Note the range of labels (N,), and call what does not count, or is no class, C + 1."""
        counted = labels.masked_fill(labels == self._ignore_index, 0)
        lowest, highest = counted.aminmax()
        self._lowest = torch.minimum(self._lowest, lowest)
        self._highest = torch.maximum(self._highest, highest)
        known = (counted >= 0) & (counted <= self._num_classes) & (labels != self._ignore_index)
        return labels.where(known, self._num_classes + 1)


def _coarse_there(outcomes: Tensor) -> Tensor:
    """Do what `coarse` does where the counts are: a tenth of them is left to be copied."""
    between = outcomes[..., 1:-1].unflatten(-1, (COARSE_STEPS, -1)).sum(dim=-1)
    return torch.cat([outcomes[..., :1], between, outcomes[..., -1:]], dim=-1)
