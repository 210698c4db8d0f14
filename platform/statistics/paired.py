"""Whether a configuration is better than the recipe, from runs of both on the same seeds.

The question has a direction, which was fixed before the seeds were drawn: a configuration was
chosen because it is hoped to be better, and if it is not, nobody minds whether it is equal or
worse. So the tests are one-sided; the intervals that are shown are the usual two-sided ones.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr  # not scipy.stats, which takes a second to import

from platform.results.interval import mean_interval
from platform.statistics.seeds import MOST_SEEDS

_ROUNDING = 1e-12  # two sums of the same numbers in another order are equal


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Scores of a configuration less those of the recipe, seed by seed; all in units of the score.

    Attributes:
        mean, sd: of the differences; sd is NaN for a single one.
        half_width: of Student's two-sided 95 % interval around the mean.
        p_t: of the one-sided paired t test.
        p_flip: of the exact one-sided sign-flip test, which assumes no distribution.
    """

    mean: float
    sd: float
    half_width: float
    p_t: float
    p_flip: float


def paired_difference(differences: Sequence[float]) -> PairedDifference:
    """Test whether the mean of some differences is above 0.

    Raises:
        ValueError: there is no difference, or there are more than `MOST_SEEDS`.
    """
    if not 1 <= len(differences) <= MOST_SEEDS:
        raise ValueError(f"{len(differences)} pairs of seeds must be 1 to {MOST_SEEDS}")
    interval = mean_interval(differences)
    return PairedDifference(
        mean=interval.mean,
        sd=statistics.stdev(differences) if len(differences) > 1 else math.nan,
        half_width=interval.half_width,
        p_t=one_sided_t(differences),
        p_flip=sign_flip(differences),
    )


def one_sided_t(differences: Sequence[float]) -> float:
    """Return p of the paired t test against a mean above 0; 1 for a single difference.

    With few seeds it is the test that can tell anything: the exact one needs five of them to come
    below 5 % at all, and more where several configurations are compared.
    """
    count = len(differences)
    if count < 2:
        return 1.0
    mean, sd = statistics.fmean(differences), statistics.stdev(differences)
    if sd == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stdtr(count - 1, -mean / (sd / math.sqrt(count))))


def sign_flip(differences: Sequence[float]) -> float:
    """Return the share of all patterns of signs under which the sum is at least the one seen.

    Under the hypothesis that seeds favour neither side, each pattern is as likely as another
    (Fisher's randomisation test): exact for any noise that is symmetric, never below 1 / 2^n.
    """
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    seen = math.fsum(differences)
    slack = _ROUNDING * max(1.0, float(np.abs(differences).sum()))
    return float(np.mean(sums >= seen - slack))
