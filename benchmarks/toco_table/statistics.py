"""Noise, rank correlations and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

Array: TypeAlias = NDArray[np.float64]

LEAST = 5  # points of a correlation
_DRAWS = 1000


class Bounded(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def spearman(x: Array, y: Array) -> Bounded | None:
    """Return Spearman's rank correlation of N pairs; None where there are too few."""
    return _bootstrapped(lambda a, b: _statistic(spearmanr(a, b)), x, y)


def kendall(x: Array, y: Array) -> Bounded | None:
    """Return Kendall's tau of N pairs; None where there are too few."""
    return _bootstrapped(lambda a, b: _statistic(kendalltau(a, b)), x, y)


def _statistic(result: Any) -> float:  # SciPy's annotations hide its fields
    return float(result.statistic)


def _bootstrapped(statistic: Callable[[Array, Array], float], x: Array, y: Array) -> Bounded | None:
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) < LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(x), size=(_DRAWS, len(x)))
    varied = [row for row in drawn if np.ptp(x[row]) > 0 and np.ptp(y[row]) > 0]
    values = [statistic(x[row], y[row]) for row in varied]
    low, high = np.quantile(values, [0.025, 0.975])
    return Bounded(statistic(x, y), float(low), float(high))


def bootstrapped_mean(values: Array) -> Bounded:
    """Return the mean of N values with its interval over draws of them."""
    drawn = np.random.default_rng(0).integers(len(values), size=(_DRAWS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return Bounded(float(values.mean()), float(low), float(high))


def spread_within(groups: list[Array]) -> float:
    """Return the pooled standard deviation within groups; NaN where none has two values."""
    several = [group for group in groups if len(group) > 1]
    degrees = sum(len(group) - 1 for group in several)
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in several)
    return float(np.sqrt(squares / degrees)) if degrees else float("nan")
