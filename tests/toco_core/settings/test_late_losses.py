"""A run that ends before a stage begins says which losses it never has."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.toco_core.small_run import small_recipe
from toco_core.settings.late_losses import late_losses


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, []),
        (
            {"stages__segmentation": 30, "iterations": 20},
            ["stages.segmentation 30 is not below iterations 20, .* weights.seg and weights.en"],
        ),
        ({"stages__contrast": 8}, ["stages.contrast 8 .* weights.ptc and weights.ctc never count"]),
        ({"stages__contrast": 8, "weights__ptc": 0.0}, ["losses of weights.ctc never"]),
        ({"stages__contrast": 8, "weights__ptc": 0.0, "weights__ctc": 0.0}, []),
        ({"stages__contrast": 7}, []),  # the last step has it
        ({"stages__contrast": 9, "stages__segmentation": 900}, ["contrast 9", "segmentation 900"]),
    ],
)
def test_losses_that_never_count_are_named(settings: dict[str, Any], told: list[str]) -> None:
    warnings = late_losses(small_recipe(**settings))
    assert len(warnings) == len(told)
    for warning, words in zip(warnings, told, strict=True):
        assert re.search(words, warning)
