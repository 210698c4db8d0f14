"""Several objectives weighed into one number, and which points no other one is better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

_LEAST = 1e-3  # of a score 0..1; scores that are all the same are not stretched without end
_SUM = 0.05  # of the weighted sum, which tells points of the same worst part apart (Knowles)


@dataclass(frozen=True)
class Weighting:
    """Scores of K objectives as one, by how far they are from the best of each.

        value = -max_k w_k (1 - z_k) - 0.05 sum_k w_k (1 - z_k),   z = (y - middle) / unit

    Augmented Chebyshev, as in ParEGO (Knowles, 2006, equation 2): for every point of the front
    there are weights under which it is the best, where a weighted sum has them for those of a
    bulging front only.

    Attributes:
        middle: of each objective, at which z is 0, (K,).
        unit: from there to the best, at which z is 1, (K,).
        weights: of each, (K,).
    """

    middle: Array
    unit: Array
    weights: Array

    @classmethod
    def of(cls, last: Array, weights: Array) -> Weighting:
        """Return the weighting whose scale the scores (N, K) of N trials set."""
        middle = np.median(last, axis=0)
        return cls(middle, np.maximum(last.max(axis=0) - middle, _LEAST), weights)

    def __call__(self, scores: Array) -> Array:
        """Return the value of scores, (N, K) -> (N,)."""
        short = self.weights * (1 - (scores - self.middle) / self.unit)
        return -short.max(axis=1) - _SUM * short.sum(axis=1)


def on_front(values: Array) -> NDArray[np.bool_]:
    """Return which of N points no other one is better than, (N, K) -> (N,): the Pareto front.

    Better is at least as high in all of K objectives, and higher in one.
    """
    as_high = (values[None] >= values[:, None]).all(axis=2)  # whether j is as high as i, (N, N)
    higher = (values[None] > values[:, None]).any(axis=2)
    better = (as_high & higher).sum(axis=1)  # how many are better than i, (N,)
    return np.asarray(better == 0)


def front_order(values: Array, count: int) -> list[int]:
    """Return so many of N points, those of the front first, then of the front without them, ...

    Within a front the best of each objective take turns, so that its ends come first. Of one
    objective that is the order of its values, of equals the first one first.
    """
    if values.shape[1] == 1:
        return np.argsort(-values[:, 0], kind="stable")[:count].tolist()
    left, order = list(range(len(values))), list[int]()
    while left and len(order) < count:
        front = [left[place] for place in np.flatnonzero(on_front(values[left]))]
        order += _in_turns(values, front)
        left = [one for one in left if one not in front]
    return order[:count]


def _in_turns(values: Array, front: list[int]) -> list[int]:
    ranked = [sorted(front, key=lambda one, k=k: -values[one, k]) for k in range(values.shape[1])]
    return list(dict.fromkeys(one for turn in zip(*ranked, strict=True) for one in turn))
