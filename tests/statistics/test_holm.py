from __future__ import annotations

import pytest

from platform.statistics.holm import holm


def test_the_smallest_counts_as_often_as_there_are_comparisons() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_one_comparison_is_left_as_it_is() -> None:
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_no_probability_is_above_one() -> None:
    assert holm([0.9, 0.8]) == [1.0, 1.0]
