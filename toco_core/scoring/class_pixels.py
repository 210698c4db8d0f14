"""Overlap of what is predicted with the truth, class by class: IoU, Dice, precision, recall.

Pixels of all images are added up first: what is taken for a class in an image that does not show it
counts against its precision, IoU and Dice, as it should. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """Pixels of each of K classes, background first.

    Every ratio is in 0..1, and NaN for a class that the truth does not show, whether or not
    anything was taken for it: all means are over the same classes, those that are there.
    """

    right: NDArray[np.int64]  # (K,)
    predicted: NDArray[np.int64]  # (K,)
    truth: NDArray[np.int64]  # (K,)

    @classmethod
    def empty(cls, num_classes: int) -> Self:
        """Start counting `num_classes` classes, background included."""
        return cls(*np.zeros((3, num_classes), np.int64))

    def __add__(self, other: ClassPixels) -> ClassPixels:
        return ClassPixels(
            self.right + other.right,
            self.predicted + other.predicted,
            self.truth + other.truth,
        )

    @property
    def iou(self) -> NDArray[np.float64]:
        """Return right / (predicted or true)."""
        return self._where_shown(iou_of(self.right, self.predicted, self.truth))

    @property
    def dice(self) -> NDArray[np.float64]:
        """Return 2 right / (predicted + true), which is F1 of the pixels."""
        return self._where_shown(_ratio(2 * self.right, self.predicted + self.truth))

    @property
    def precision(self) -> NDArray[np.float64]:
        """Return right / predicted; 0 for a class that is shown and never predicted."""
        return self._where_shown(_ratio(self.right, np.maximum(self.predicted, 1)))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Return right / true."""
        return self._where_shown(_ratio(self.right, self.truth))

    def _where_shown(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(self.truth > 0, values, np.nan)


def iou_of(
    right: NDArray[Any], predicted: NDArray[Any], truth: NDArray[Any]
) -> NDArray[np.float64]:
    """Compute intersection over union of pixels; NaN where both are empty."""
    return _ratio(right, truth + predicted - right)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(part, whole)
