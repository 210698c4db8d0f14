from __future__ import annotations

import math

import numpy as np
import pytest

from platform.statistics.best import probability_best
from platform.statistics.paired import one_sided_t
from platform.statistics.power import POWER, chance_to_tell, least_told, seeds_to_tell


def test_the_chance_to_tell_is_that_of_simulated_studies() -> None:
    rng = np.random.default_rng(0)
    studies = rng.normal(1.4, 1.0, (4000, 5))
    found = np.mean([one_sided_t(row.tolist()) < 0.05 for row in studies])
    assert chance_to_tell(1.4, 1.0, 5, 0.05) == pytest.approx(found, abs=0.03)


def test_so_many_seeds_tell_and_one_less_does_not() -> None:
    seeds = seeds_to_tell(0.5, 1.0, 0.05)
    assert seeds is not None
    assert (
        chance_to_tell(0.5, 1.0, seeds, 0.05) >= POWER > chance_to_tell(0.5, 1.0, seeds - 1, 0.05)
    )


@pytest.mark.parametrize(
    ("difference", "sd"), [(0.0, 1.0), (-1.0, 1.0), (1.0, math.nan), (0.1, 1.0)]
)
def test_what_no_number_of_seeds_tells(difference: float, sd: float) -> None:
    assert seeds_to_tell(difference, sd, 0.05) is None


def test_the_least_difference_told_is_told_in_four_of_five_studies() -> None:
    assert chance_to_tell(least_told(2.0, 5, 0.05), 2.0, 5, 0.05) == pytest.approx(POWER, abs=0.01)
    assert math.isnan(least_told(1.0, 1, 0.05))


def test_equal_means_share_the_first_place() -> None:
    scores = np.array([[0.60, 0.62, 0.64], [0.64, 0.62, 0.60]])
    assert probability_best(scores) == pytest.approx([0.5, 0.5], abs=0.01)


def test_what_all_seeds_share_is_no_noise() -> None:
    seeds = np.array([0.0, 0.1, 0.2, 0.3])
    rng = np.random.default_rng(0)
    scores = np.stack([0.5 + seeds, 0.52 + seeds]) + 0.001 * rng.standard_normal((2, 4))
    assert probability_best(scores)[1] > 0.99


def test_one_seed_prefers_nobody_and_without_noise_the_highest_is_certain() -> None:
    assert probability_best(np.array([[0.1], [0.9]])) == [0.5, 0.5]
    assert probability_best(np.array([[0.1, 0.1], [0.9, 0.9]])) == [0.0, 1.0]
