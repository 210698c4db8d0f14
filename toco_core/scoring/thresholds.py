"""The score of a CAM at every background threshold, from one pass over it.

A pixel is predicted its strongest class at all thresholds below its value, and background at all
others. So it is enough to count pixels by strongest class and value, in bins between thresholds.
Counts are NumPy's, and torch is imported where tensors are counted: who only adds up needs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import ClassPixels, iou_of
from toco_core.scoring.threshold_grid import BINS, HIT, ON_BACKGROUND, STEPS

if TYPE_CHECKING:
    from torch import Tensor


class BestThreshold(NamedTuple):
    """The background threshold with the highest mIoU (the lowest, if several have it)."""

    threshold: float
    miou: float


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """IoU at each background threshold; fractions."""

    thresholds: NDArray[np.float64]  # (T,)
    miou: NDArray[np.float64]  # (T,) over the classes present
    right: NDArray[np.int64]  # (T, C + 1) pixels
    predicted: NDArray[np.int64]  # (T, C + 1)
    truth: NDArray[np.int64]  # (C + 1,)

    @property
    def iou(self) -> NDArray[np.float64]:
        """The IoU of each class, (T, C + 1); NaN where it is neither present nor predicted."""
        return iou_of(self.right, self.predicted, self.truth)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes the truth shows, (C + 1,)."""
        return self.truth > 0

    def best(self) -> BestThreshold:
        """Return the best threshold and its mIoU; NaN if nothing was counted."""
        if np.isnan(self.miou).all():
            return BestThreshold(float("nan"), float("nan"))
        index = int(np.nanargmax(self.miou))
        return BestThreshold(float(self.thresholds[index]), float(self.miou[index]))

    def at(self, threshold: float) -> float:
        """Return the mIoU at the threshold of the grid nearest to `threshold`."""
        return float(self.miou[self._nearest(threshold)])

    def class_iou(self, threshold: float) -> NDArray[np.float64]:
        """Return the IoU of each class, (C + 1,), whose mean is `at(threshold)`.

        A class that the truth does not show is NaN, whether or not something was taken for it.
        """
        return self.pixels(threshold).iou

    def pixels(self, threshold: float) -> ClassPixels:
        """Return what is right, predicted and true of each class at a threshold."""
        place = self._nearest(threshold)
        return ClassPixels(self.right[place], self.predicted[place], self.truth)

    def _nearest(self, threshold: float) -> int:
        return int(np.abs(self.thresholds - threshold).argmin())


@dataclass(frozen=True, eq=False)
class ThresholdHistogram:
    """Pixels by strongest class, by value, and by what the truth says of them.

    Its size is 3 C (T + 1) integers, 0.5 MB for 20 classes; a joint one with the true class would
    take (C + 1) / 3 times as much and tell nothing more about IoU.
    """

    outcomes: NDArray[np.int64]  # (3, C, T + 1): bin i holds the values above exactly i thresholds
    truth: NDArray[np.int64]  # (C + 1,) pixels of each true class

    @classmethod
    def empty(cls, num_classes: int) -> Self:
        """Start counting `num_classes` classes, without background."""
        outcomes = np.zeros((3, num_classes, BINS), np.int64)
        return cls(outcomes, np.zeros(num_classes + 1, np.int64))

    @classmethod
    def of(
        cls, cam: Tensor, class_labels: Tensor, truth: Tensor, ignore_index: int = 255
    ) -> ThresholdHistogram:
        """Count a batch.

        Args:
            cam: (B, C, H, W) in 0..1, compared in float32.
            class_labels: (B, C) 0/1.
            truth: (B, H, W) true labels, any integer type.
            ignore_index: true label of the pixels that do not count.

        Raises:
            ValueError: a true label that is neither a class, background, nor `ignore_index`.
        """
        total = ThresholdHistogram.empty(cam.shape[1])
        for maps, labels, one in zip(cam, class_labels, truth, strict=True):
            classes = labels.nonzero().flatten()
            present = maps.index_select(0, classes.to(maps.device))
            total += cls.of_present(present, classes, one, cam.shape[1], ignore_index)
        return total

    @classmethod
    def of_present(
        cls,
        maps: Tensor,
        classes: Tensor,
        truth: Tensor,
        num_classes: int,
        ignore_index: int = 255,
    ) -> Self:
        """Count one image, of which only the maps of the classes present are at hand.

        Args:
            maps: (K, H, W) in 0..1.
            classes: (K,) int64, 0..C - 1, in order.
            truth: (H, W) true labels, any integer type.
            num_classes: C.
            ignore_index: true label of the pixels that do not count.

        Raises:
            ValueError: a true label that is neither a class, background, nor `ignore_index`.
        """
        from toco_core.scoring.threshold_counts import count_outcomes  # torch

        counts, pixels = count_outcomes(maps, classes, truth, num_classes, ignore_index)
        outcomes = np.zeros((3, num_classes, BINS), np.int64)
        outcomes[:, classes.cpu().numpy()] = counts.cpu().numpy()
        return cls(outcomes, pixels.cpu().numpy())

    def __add__(self, other: ThresholdHistogram) -> ThresholdHistogram:
        return ThresholdHistogram(self.outcomes + other.outcomes, self.truth + other.truth)

    def curve(self) -> ThresholdCurve:
        """Compute the IoU of every class at every threshold, exactly."""
        above = self.outcomes[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]  # (3, C, T)
        right, predicted = predicted_above(above, self.truth)  # (C + 1, T)
        iou = iou_of(right, predicted, self.truth[:, None])
        present = self.truth > 0
        miou = iou[present].mean(axis=0) if present.any() else np.full(STEPS + 1, np.nan)
        thresholds = np.arange(STEPS + 1) / STEPS
        return ThresholdCurve(thresholds, miou, right.T, predicted.T, self.truth)


class Predicted(NamedTuple):
    """Pixels that are predicted each class at each threshold, background first."""

    right: NDArray[Any]  # (..., C + 1, T)
    predicted: NDArray[Any]  # (..., C + 1, T)


def predicted_above(above: NDArray[Any], truth: NDArray[Any]) -> Predicted:
    """Say what is predicted at each threshold, exactly; also of many counts at once.

    Args:
        above: (..., 3, C, T) pixels whose strongest class has a value above a threshold.
        truth: (..., C + 1) pixels of each true class.
    """
    predicted = above.sum(axis=-3)  # (..., C, T)
    background = truth.sum(axis=-1)[..., None] - predicted.sum(axis=-2)  # (..., T)
    right_there = truth[..., :1] - above[..., ON_BACKGROUND, :, :].sum(axis=-2)  # (..., T)
    return Predicted(
        np.concatenate([right_there[..., None, :], above[..., HIT, :, :]], axis=-2),
        np.concatenate([background[..., None, :], predicted], axis=-2),
    )


def threshold_curve(
    cam: Tensor, class_labels: Tensor, truth: Tensor, ignore_index: int = 255
) -> ThresholdCurve:
    """Score a batch of CAMs at every threshold; arguments as of `ThresholdHistogram.of`."""
    return ThresholdHistogram.of(cam, class_labels, truth, ignore_index).curve()
