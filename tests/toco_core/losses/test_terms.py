from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.toco_core.small_run import small_recipe
from toco_core.losses.terms import (
    NonFiniteLossError,
    check_finite,
    leaves_parameters_unused,
    terms_in_force,
    total_loss,
)

STAGES = {"stages__contrast": 3, "stages__segmentation": 5}
ALL = {"ptc", "ctc", "seg", "energy"}


@pytest.mark.parametrize(
    ("iteration", "terms"),
    [(0, set()), (2, set()), (3, {"ptc", "ctc"}), (4, {"ptc", "ctc"}), (5, ALL), (99, ALL)],
)
def test_a_stage_begins_with_its_iteration(iteration: int, terms: set[str]) -> None:
    assert terms_in_force(small_recipe(**STAGES), iteration) == terms


@pytest.mark.parametrize("term", sorted(ALL))
def test_a_weight_of_zero_switches_a_term_off(term: str) -> None:
    recipe = small_recipe(**{f"weights__{term}": 0.0})
    assert terms_in_force(recipe, 99) == ALL - {term}


@pytest.mark.parametrize(
    ("changes", "unused"),
    [
        ({"stages__segmentation": 0}, False),
        ({"stages__segmentation": 1}, True),
        ({"stages__segmentation": 0, "weights__seg": 0.0}, False),
        ({"stages__segmentation": 0, "weights__seg": 0.0, "weights__energy": 0.0}, True),
        ({"stages__segmentation": 0, "weights__ctc": 0.0}, True),
        ({"stages__segmentation": 0, "weights__ptc": 0.0}, False),
    ],
)
def test_parameters_are_unused_where_no_term_reads_a_head(
    changes: dict[str, Any], unused: bool
) -> None:
    assert leaves_parameters_unused(small_recipe(**changes)) is unused


def test_total_weighs_the_terms_that_are_there() -> None:
    recipe = small_recipe(weights__ptc=0.25, weights__seg=0.5)
    losses = {"cls": 1.0, "cls_aux": 2.0, "ptc": 4.0, "seg": 8.0}
    total = total_loss({name: torch.tensor(value) for name, value in losses.items()}, recipe)
    assert total.item() == 1 + 2 + 0.25 * 4 + 0.5 * 8


def test_finite_losses_come_back_as_numbers() -> None:
    losses = {"cls": torch.tensor(0.5, requires_grad=True), "total": torch.tensor(2.0)}
    assert check_finite(losses, 7) == {"cls": 0.5, "total": 2.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_non_finite_loss_is_named_with_its_iteration(value: float) -> None:
    losses = {"cls": torch.tensor(1.0), "ctc": torch.tensor(value), "total": torch.tensor(value)}
    with pytest.raises(NonFiniteLossError, match=f"iteration 12: ctc = {value}, total = {value}"):
        check_finite(losses, 12)
