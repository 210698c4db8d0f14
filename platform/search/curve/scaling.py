"""The scales of the model: progress warped, scores in units of the best one's lead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

_BEND = 20.0  # curves rise early: half of the axis is the first fifth of a training
_LEAST = 1e-3  # of a score 0..1; scores that are all the same are not stretched without end


def warp_progress(progress: Array | float) -> Array:
    """Return ln(1 + 20 p) / ln 21 of the progress p of a training, both 0..1."""
    return np.log1p(_BEND * np.asarray(progress, float)) / math.log1p(_BEND)


@dataclass(frozen=True)
class ScoreScale:
    """Scores in units in which the median last score is 0 and the highest is 1.

        z = (y - middle) / unit,   below -1 drawn in to -1 - ln(-z)

    A configuration that learns nothing is far below all others. How far says nothing about where
    the best ones are, but would be most of the variance.
    """

    middle: float
    unit: float

    @classmethod
    def of(cls, last: Array) -> ScoreScale:
        """Return the scale that the last scores of the trials set, (N,)."""
        middle = float(np.median(last))
        return cls(middle, max(float(np.max(last)) - middle, _LEAST))

    def __call__(self, scores: Array) -> Array:
        """Return scores in units of the model."""
        z = (np.asarray(scores, float) - self.middle) / self.unit
        return np.where(z < -1, -1 - np.log(np.maximum(-z, 1.0)), z)

    def back(self, z: Array) -> Array:
        """Return values of the model as scores."""
        straight = np.where(z < -1, -np.exp(np.minimum(-1 - z, 50.0)), z)
        return self.middle + self.unit * straight

    def slope(self, z: Array) -> Array:
        """Return how much a score changes with a value of the model."""
        return self.unit * np.where(z < -1, np.exp(np.minimum(-1 - z, 50.0)), 1.0)
