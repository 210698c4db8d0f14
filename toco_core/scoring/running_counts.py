"""Counts many images for `ThresholdHistogram`: on the CPU, or on a GPU without waits."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

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


def counts_on(device: torch.device, num_classes: int, ignore_index: int) -> RunningCounts:
    """Start counting where the CAMs are."""
    if device.type == "cpu":
        return HostCounts(num_classes, ignore_index)
    return DeviceCounts(num_classes, ignore_index, device)


class HostCounts:
    """Counts on the CPU, which reads each image's maps while they are in its cache."""

    def __init__(self, num_classes: int, ignore_index: int) -> None:
        self._total = ThresholdHistogram.empty(num_classes)
        self._num_classes, self._ignore_index = num_classes, ignore_index

    def add(self, maps: Tensor, classes: Tensor, truth: Tensor) -> None:
        self._total += ThresholdHistogram.of_present(
            maps, classes, truth, self._num_classes, self._ignore_index
        )

    def histogram(self) -> ThresholdHistogram:
        return self._total


class DeviceCounts:
    """Counts on a GPU, where the host waits once, at their end.

    They are integers, whose sum does not depend on the order of the atomic additions.

    Args:
        num_classes: C, without background.
        ignore_index: true label of the pixels that do not count.
        device: where the CAMs are.
    """

    def __init__(self, num_classes: int, ignore_index: int, device: torch.device) -> None:
        self._num_classes, self._ignore_index = num_classes, ignore_index
        every = torch.arange(num_classes, device=device)
        self._first_bins = first_bins(every, num_classes).flatten()  # (C * (C + 2),)
        zeros = torch.zeros((IGNORED + 1) * num_classes * BINS, dtype=torch.int64, device=device)
        self._outcomes = zeros
        self._truth = zeros.new_zeros(num_classes + 2)
        self._lowest, self._highest = zeros.new_zeros(()), zeros.new_zeros(())

    def add(self, maps: Tensor, classes: Tensor, truth: Tensor) -> None:
        labels = self._checked(truth.flatten().long())
        ones = torch.ones_like(labels)
        self._truth.index_add_(0, labels, ones)
        if not len(classes):
            return
        value, row = strongest_of(maps.float().flatten(1))
        strongest = classes.to(labels.device, non_blocking=True).index_select(0, row)
        cell = strongest * (self._num_classes + 2) + labels
        self._outcomes.index_add_(0, self._first_bins[cell] + bins_of(value), ones)

    def histogram(self) -> ThresholdHistogram:
        lowest, highest = int(self._lowest), int(self._highest)
        if lowest < 0 or highest > self._num_classes:
            raise foreign_labels(lowest, highest, self._num_classes)
        outcomes = self._outcomes.cpu().numpy().reshape(IGNORED + 1, self._num_classes, BINS)
        truth = self._truth[:-1].cpu().numpy()
        return ThresholdHistogram(outcomes[:IGNORED], truth)

    def _checked(self, labels: Tensor) -> Tensor:
        """Note the range of labels (N,), and call what does not count, or is no class, C + 1."""
        counted = labels.masked_fill(labels == self._ignore_index, 0)
        lowest, highest = counted.aminmax()
        self._lowest = torch.minimum(self._lowest, lowest)
        self._highest = torch.maximum(self._highest, highest)
        known = (counted >= 0) & (counted <= self._num_classes) & (labels != self._ignore_index)
        return labels.where(known, self._num_classes + 1)
