from __future__ import annotations

import math

import pytest

from platform.results.interval import mean_interval, student_quantile


# From the tables of Student's distribution, two-sided.
@pytest.mark.parametrize(
    ("freedom", "confidence", "quantile"),
    [
        (1, 0.95, 12.70620),
        (2, 0.95, 4.30265),
        (4, 0.95, 2.77645),
        (29, 0.95, 2.04523),
        (4, 0.99, 4.60409),
    ],
)
def test_quantiles_are_those_of_the_tables(
    freedom: int, confidence: float, quantile: float
) -> None:
    assert student_quantile(freedom, confidence) == pytest.approx(quantile, abs=1e-5)


def test_three_runs_have_a_wide_interval() -> None:
    interval = mean_interval([0.40, 0.42, 0.44])
    assert interval.mean == pytest.approx(0.42)
    assert interval.half_width == pytest.approx(4.30265 * 0.02 / math.sqrt(3), rel=1e-5)


def test_equal_runs_have_none() -> None:
    assert mean_interval([0.4, 0.4]).half_width == 0.0


def test_of_a_single_run_nothing_is_known() -> None:
    interval = mean_interval([0.4])
    assert interval.mean == 0.4
    assert math.isnan(interval.half_width)
