"""What a number of seeds can tell, and how many would tell a difference that is there."""

from __future__ import annotations

import math

from scipy.special import nctdtr, stdtrit

POWER = 0.8  # of the studies find the difference
MOST_COUNTED = 100  # seeds: beyond that nobody trains


def chance_to_tell(difference: float, sd: float, seeds: int, level: float) -> float:
    """Return in which share of studies the one-sided paired t test finds a difference.

    Args:
        difference: true mean of the paired differences.
        sd: of the paired differences.
        seeds: pairs, at least 2.
        level: of the test; 5 % over the number of comparisons, to be on Holm's safe side.
    """
    bound = float(stdtrit(seeds - 1, 1 - level))
    if sd == 0:
        return float(difference > 0)
    return 1 - float(nctdtr(seeds - 1, difference / sd * math.sqrt(seeds), bound))


def seeds_to_tell(difference: float, sd: float, level: float) -> int | None:
    """Return the least number of seeds that finds a difference in 80 % of studies.

    Returns:
        None if there is nothing to find, or if it takes more than `MOST_COUNTED`.
    """
    if not difference > 0 or math.isnan(sd):
        return None
    counts = range(2, MOST_COUNTED + 1)
    return next((n for n in counts if chance_to_tell(difference, sd, n, level) >= POWER), None)


def least_told(sd: float, seeds: int, level: float) -> float:
    """Return the least difference that so many seeds find in 80 % of studies; NaN below 2 seeds."""
    if seeds < 2 or math.isnan(sd):
        return math.nan
    low, high = 0.0, 1000.0 * sd
    while high - low > 1e-3 * sd:
        middle = (low + high) / 2
        enough = chance_to_tell(middle, sd, seeds, level) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high
