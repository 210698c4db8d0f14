from __future__ import annotations

import math

import pytest

from platform.results.formats import duration, gain, percent, threshold
from platform.results.parameters import ParameterValue, params_text, short_names, value_text


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.412, "41.2"), (0.0, "0.0"), (None, "–"), (math.nan, "–")]
)
def test_fractions_are_shown_in_per_cent(fraction: float | None, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(("fraction", "text"), [(0.012, "+1.2"), (-0.03, "-3.0"), (None, "–")])
def test_gains_have_a_sign(fraction: float | None, text: str) -> None:
    assert gain(fraction) == text


def test_thresholds_have_two_decimals() -> None:
    assert (threshold(0.4), threshold(None)) == ("0.40", "–")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.6, "1 min 00 s"),
        (75, "1 min 15 s"),
        (3599, "59 min 59 s"),
        (3723, "1 h 02 min"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (False, "no"), (-3, "-3"), (0.123456, "0.123"), ("a", "a"), (None, "–")],
)
def test_values(value: ParameterValue | None, text: str) -> None:
    assert value_text(value) == text


def test_a_name_is_shortened_only_where_it_stays_unique() -> None:
    assert short_names(["thresholds.low", "a.rate", "b.rate"]) == {
        "thresholds.low": "low",
        "a.rate": "a.rate",
        "b.rate": "b.rate",
    }


def test_parameters_are_one_line() -> None:
    assert params_text({"backbone.aux_layer": -3, "data.flip": True}) == "aux_layer -3  flip yes"
