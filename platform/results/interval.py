"""What several runs that differ in their seed alone say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import stdtrit  # not scipy.stats, which takes a second to import

CONFIDENCE = 0.95


class MeanInterval(NamedTuple):
    """A mean, and how far from it the true one may be; NaN for a single value."""

    mean: float
    half_width: float


def mean_interval(values: Sequence[float]) -> MeanInterval:
    """Return the mean with Student's 95 % confidence interval: few runs make it wide."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return MeanInterval(mean, math.nan)
    error = statistics.stdev(values) / math.sqrt(len(values))
    return MeanInterval(mean, student_quantile(len(values) - 1) * error)


def student_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return t with P(|T| < t) = confidence for so many degrees of freedom."""
    return float(stdtrit(freedom, (1 + confidence) / 2))
