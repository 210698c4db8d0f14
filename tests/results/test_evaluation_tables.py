from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from platform.results.evaluation_tables import class_table, similarity_table, threshold_plot


def test_the_class_table_ends_with_the_mean_over_the_classes_that_are_there() -> None:
    table = class_table(["background", "cat", "dog"], {"CAM": [0.8, math.nan, 0.5]})
    assert table.rows == [["background", "80.0"], ["cat", "–"], ["dog", "50.0"], ["mean", "65.0"]]


def test_where_no_class_is_there_the_mean_is_not_a_number() -> None:
    assert class_table(["background"], {"CAM": [math.nan]}).rows[-1] == ["mean", "–"]


def test_names_and_numbers_must_match() -> None:
    with pytest.raises(ValueError, match="1 class names for 2 values"):
        class_table(["background"], {"CAM": [0.8, 0.5]})


def test_the_plot_of_a_curve() -> None:
    plot = threshold_plot([0.0, 0.25, 0.5, 0.25, 0.0], width=5, height=2)
    assert plot.splitlines() == [
        " 50.0   █",
        "  0.0  ███",
        "      00.51",
        "      best CAM mIoU 50.0 at the threshold 0.50",
    ]


def test_a_curve_of_zeros_is_an_empty_plot() -> None:
    lines = threshold_plot([0.0] * 101).splitlines()
    assert len(lines) == 10
    assert not set("▁▂▃▄▅▆▇█") & set("".join(lines))


def test_the_optimum_is_exact_where_the_plot_is_coarse() -> None:
    curve = [0.0] * 101
    curve[43] = 0.4
    assert threshold_plot(curve, width=10).endswith("best CAM mIoU 40.0 at the threshold 0.43")


@pytest.mark.parametrize("curve", [[], [0.5], [0.5, math.nan]])
def test_what_is_not_a_curve_is_refused(curve: Sequence[float]) -> None:
    with pytest.raises(ValueError, match="two or more finite numbers"):
        threshold_plot(curve)


def test_whatever_was_scored_has_a_column_of_its_own() -> None:
    table = class_table(["background", "cat"], {"CAM": [0.8, 0.4], "seg": [0.7, math.nan]})
    assert table.columns == ("class", "CAM", "seg")
    assert table.rows[-1] == ["mean", "60.0", "70.0"]


def test_blocks_are_counted_from_one() -> None:
    assert similarity_table([0.25, 0.5]).rows == [["1", "0.250"], ["2", "0.500"]]
