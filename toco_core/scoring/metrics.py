"""Counts that add up over images, shards and workers, and the scores that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import ClassPixels, iou_of
from toco_core.scoring.thresholds import ThresholdCurve, ThresholdHistogram, threshold_curve

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ConfusionMatrix", "F1Counts", "ThresholdCurve", "ThresholdHistogram", "threshold_curve"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Pixels by true class (rows) and predicted class (columns), background included.

    All scores are fractions; NaN where there is nothing to score.
    """

    counts: Counts  # (K, K)

    @classmethod
    def empty(cls, num_classes: int) -> Self:
        """Start counting `num_classes` classes, background included."""
        return cls(np.zeros((num_classes, num_classes), np.int64))

    @classmethod
    def of(
        cls, truth: Tensor, prediction: Tensor, num_classes: int, ignore_index: int = 255
    ) -> Self:
        """Count one image or batch; both of the same shape, any integer type.

        Raises:
            ValueError: a label that is neither a class nor, in `truth`, `ignore_index`.
        """
        import torch  # as in toco_core.scoring.thresholds

        valid = truth != ignore_index
        rows, columns = truth[valid].long(), prediction[valid].long()
        _check_classes("truth", rows, num_classes)
        _check_classes("prediction", columns, num_classes)
        counts = torch.bincount(rows * num_classes + columns, minlength=num_classes**2)
        return cls(counts.view(num_classes, num_classes).cpu().numpy())

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        return ConfusionMatrix(self.counts + other.counts)

    @property
    def pixel_accuracy(self) -> float:
        """Share of the pixels that are right."""
        return float(_divide(self.counts.trace(), self.counts.sum()))

    @property
    def mean_accuracy(self) -> float:
        """Share of each class's pixels that are right, averaged over the classes present."""
        return _mean(_divide(self.counts.diagonal(), self.counts.sum(axis=1)), self.present)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, (K,); NaN if neither present nor predicted."""
        return iou_of(self.pixels.right, self.pixels.predicted, self.pixels.truth)

    @property
    def miou(self) -> float:
        """IoU averaged over the classes present."""
        return _mean(self.iou, self.present)

    @property
    def pixels(self) -> ClassPixels:
        """What is right, predicted and true of each class."""
        return ClassPixels(self.counts.diagonal(), self.counts.sum(axis=0), self.counts.sum(axis=1))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes the truth shows, (K,)."""
        return self.counts.sum(axis=1) > 0


@dataclass(frozen=True, eq=False)
class F1Counts:
    """Right and wrong image labels of each class, without background."""

    true_positive: Counts  # (C,)
    false_positive: Counts  # (C,)
    false_negative: Counts  # (C,)

    @classmethod
    def empty(cls, num_classes: int) -> Self:
        """Start counting `num_classes` classes, without background."""
        return cls(*(np.zeros(num_classes, np.int64) for _ in range(3)))

    @classmethod
    def of(cls, logits: Tensor, class_labels: Tensor) -> Self:
        """Count a batch: logits (B, C), where above 0 says present; labels (B, C) of 0/1."""
        said, true = logits > 0, class_labels > 0
        outcomes = (said & true, said & ~true, ~said & true)
        return cls(*(outcome.sum(dim=0).cpu().numpy() for outcome in outcomes))

    def __add__(self, other: F1Counts) -> F1Counts:
        return F1Counts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 of each class, (C,); NaN for a class neither present nor predicted."""
        twice = 2 * self.true_positive
        return _divide(twice, twice + self.false_positive + self.false_negative)

    @property
    def macro_f1(self) -> float:
        """F1 averaged over the classes that have one."""
        return _mean(self.f1, ~np.isnan(self.f1))


def _check_classes(name: str, labels: Tensor, num_classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if len(wrong):
        raise ValueError(
            f"{name} has the label {int(wrong[0])}, outside 0..{num_classes - 1}: "
            "check the class count and the ignore index of the data set"
        )


def _divide(part: Counts, whole: Counts) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(part, whole)


def _mean(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen].mean()) if chosen.any() else float("nan")
