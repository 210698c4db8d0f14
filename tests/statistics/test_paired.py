from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from platform.statistics.paired import one_sided_t, paired_difference, sign_flip

DIFFERENCES = [0.021, -0.004, 0.013, 0.008, 0.017]


def test_the_t_test_is_students() -> None:
    t = np.mean(DIFFERENCES) / (np.std(DIFFERENCES, ddof=1) / np.sqrt(5))
    assert one_sided_t(DIFFERENCES) == pytest.approx(float(stats.t.sf(t, 4)), rel=1e-9)


def test_the_sign_flip_test_is_the_share_of_all_patterns() -> None:
    sums = [np.dot(signs, DIFFERENCES) for signs in product((1, -1), repeat=5)]
    assert sign_flip(DIFFERENCES) == np.mean([one >= sum(DIFFERENCES) - 1e-12 for one in sums])


def test_five_seeds_that_all_agree_are_the_least_that_the_exact_test_tells() -> None:
    assert sign_flip([0.01] * 5) == 1 / 32
    assert sign_flip([0.01] * 4) == 1 / 16


def test_half_the_interval_is_students() -> None:
    paired = paired_difference(DIFFERENCES)
    low, high = stats.ttest_1samp(DIFFERENCES, 0.0).confidence_interval(0.95)
    assert paired.mean - paired.half_width == pytest.approx(low)
    assert paired.mean + paired.half_width == pytest.approx(high)


@pytest.mark.parametrize(("value", "p"), [(0.01, 0.0), (0.0, 1.0), (-0.01, 1.0)])
def test_differences_without_noise_are_certain(value: float, p: float) -> None:
    assert one_sided_t([value] * 3) == p


def test_too_many_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="21 pairs of seeds must be 1 to 20"):
        paired_difference([0.1] * 21)
