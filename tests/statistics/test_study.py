"""What the verdicts of many made-up studies are worth."""

from __future__ import annotations

import numpy as np
import pytest

from platform.statistics.paired import paired_difference
from platform.statistics.study import LEVEL, corrected_p, judge_study

STUDIES, SEEDS = 1000, 5
SD = 0.01  # of the noise of one run, as of a score in 0..1


def share_told(difference: float, others: int, correlation: float = 0.0) -> float:
    """Return in which share of studies any configuration is told apart, where one is better.

    Args:
        difference: of the first configuration, in standard deviations of one run.
        others: configurations that are compared with the recipe.
        correlation: of the runs of one seed.
    """
    rng = np.random.default_rng(1)
    shared, own = np.sqrt(correlation), np.sqrt(1 - correlation)
    told = 0
    for _ in range(STUDIES):
        noise = shared * rng.standard_normal(SEEDS) + own * rng.standard_normal((others + 1, SEEDS))
        scores = 0.6 + SD * noise
        scores[1] += difference * SD
        differences = [paired_difference((row - scores[0]).tolist()) for row in scores[1:]]
        told += min(corrected_p(differences)) < LEVEL
    return told / STUDIES


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("others", [1, 3])
def test_equal_configurations_are_called_equal(others: int, correlation: float) -> None:
    # 0.05 is the level; of a thousand studies two standard errors are 0.014
    assert share_told(0.0, others, correlation) <= 0.05 + 0.014


def test_two_standard_deviations_are_found() -> None:
    assert share_told(2.0, 1) >= 0.8
    assert share_told(2.0, 1, correlation=0.5) >= 0.95


def test_verdicts_are_over_the_seeds_that_all_have() -> None:
    recipe = {0: 0.5, 1: 0.6, 2: 0.7}
    verdicts = judge_study(recipe, {"trial 4": {0: 0.6, 2: 0.8, 3: 0.9}})
    assert verdicts["recipe"].scores == {0: 0.5, 2: 0.7}
    compared = verdicts["trial 4"].comparison
    assert compared
    assert compared.difference.mean == pytest.approx(0.1)
    assert verdicts["recipe"].comparison is None


def test_without_a_common_seed_there_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no seed on which all"):
        judge_study({0: 0.5}, {"trial 4": {1: 0.6}})


def test_a_single_seed_tells_nothing() -> None:
    verdict = judge_study({0: 0.5}, {"trial 4": {0: 0.9}})["trial 4"]
    assert verdict.comparison
    assert not verdict.comparison.better
    assert verdict.best == 0.5
