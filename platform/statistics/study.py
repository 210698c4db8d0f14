"""A confirmation as a study: configurations against the recipe on equal seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from platform.results.interval import MeanInterval, mean_interval
from platform.statistics.best import probability_best
from platform.statistics.holm import holm
from platform.statistics.paired import PairedDifference, paired_difference
from platform.statistics.power import least_told, seeds_to_tell

LEVEL = 0.05  # of all comparisons of a study together


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A configuration against the recipe.

    Attributes:
        p: of the paired t test, corrected for the number of comparisons.
        better: whether it is told apart, as better.
        seeds_to_tell: that find a difference as large as the one seen in 80 % of studies; None
            where the difference is not positive, or more than a hundred are needed.
        least_told: the least difference that the seeds of this study find in 80 % of studies.
    """

    difference: PairedDifference
    p: float
    better: bool
    seeds_to_tell: int | None
    least_told: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a study says of one configuration, or of the recipe.

    Attributes:
        scores: by seed, those of all configurations only.
        interval: Student's 95 % around their mean.
        sd: NaN for a single seed.
        best: probability that no other configuration has a higher true mean.
        comparison: with the recipe; None for itself.
    """

    scores: Mapping[int, float]
    interval: MeanInterval
    sd: float
    best: float
    comparison: Comparison | None = None


def judge_study(
    recipe: Mapping[int, float], others: Mapping[str, Mapping[int, float]]
) -> dict[str, Verdict]:
    """Judge configurations by the seeds that all of them and the recipe have a score for.

    Args:
        recipe: score by seed.
        others: score by seed of each configuration, by its name.

    Returns:
        The verdict on the recipe under the name `recipe`, then those on the others by their names.

    Raises:
        ValueError: there is no seed that all have.
    """
    named = {"recipe": recipe, **others}
    shared = sorted(set.intersection(*({*scores} for scores in named.values())))
    if not shared:
        raise ValueError("there is no seed on which all configurations have a score")
    rows = {name: [scores[seed] for seed in shared] for name, scores in named.items()}
    best = probability_best(np.array(list(rows.values())))
    compared = _compare(rows)
    return {
        name: Verdict(
            scores=dict(zip(shared, row, strict=True)),
            interval=mean_interval(row),
            sd=statistics.stdev(row) if len(row) > 1 else float("nan"),
            best=probability,
            comparison=compared.get(name),
        )
        for (name, row), probability in zip(rows.items(), best, strict=True)
    }


def corrected_p(differences: Iterable[PairedDifference]) -> list[float]:
    """Return p of each comparison with the recipe; what is below `LEVEL` is told apart."""
    return holm([one.p_t for one in differences])


def _compare(rows: Mapping[str, list[float]]) -> dict[str, Comparison]:
    recipe, *names = rows
    differences = {
        name: paired_difference(np.subtract(rows[name], rows[recipe]).tolist()) for name in names
    }
    level, seeds = LEVEL / max(len(names), 1), len(rows[recipe])
    corrected = corrected_p(differences.values())
    return {
        name: Comparison(
            difference=one,
            p=p,
            better=p < LEVEL,
            seeds_to_tell=seeds_to_tell(one.mean, one.sd, level),
            least_told=least_told(one.sd, seeds, level),
        )
        for (name, one), p in zip(differences.items(), corrected, strict=True)
    }
