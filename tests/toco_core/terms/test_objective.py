from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.toco_core.small_run import small_recipe
from toco_core.settings import LossWeights, Recipe
from toco_core.terms.objective import TERMS, Objective

STAGES = {"stages__contrast": 3, "stages__segmentation": 5}
ALL = {"ptc", "ctc", "seg", "energy"}


def names_in_force(recipe: Recipe, iteration: int) -> set[str]:
    return {term.name for term in Objective(recipe).in_force(iteration)}


def test_every_weight_of_the_settings_is_that_of_a_term() -> None:
    assert [term.name for term in TERMS] == list(LossWeights.model_fields)


@pytest.mark.parametrize(
    ("iteration", "terms"),
    [(0, set()), (2, set()), (3, {"ptc", "ctc"}), (4, {"ptc", "ctc"}), (5, ALL), (99, ALL)],
)
def test_a_stage_begins_with_its_iteration(iteration: int, terms: set[str]) -> None:
    assert names_in_force(small_recipe(**STAGES), iteration) == terms


@pytest.mark.parametrize("term", sorted(ALL))
def test_a_weight_of_zero_switches_a_term_off(term: str) -> None:
    recipe = small_recipe(**{f"weights__{term}": 0.0})
    assert names_in_force(recipe, 99) == ALL - {term}


@pytest.mark.parametrize(
    ("changes", "idle"),
    [
        ({"stages__segmentation": 0}, set()),
        ({"stages__segmentation": 1}, {"decoder"}),
        ({"stages__segmentation": 1, "stages__contrast": 1}, {"decoder", "projection"}),
        ({"stages__segmentation": 0, "weights__seg": 0.0}, set()),
        ({"stages__segmentation": 0, "weights__seg": 0.0, "weights__energy": 0.0}, {"decoder"}),
        ({"stages__segmentation": 0, "weights__ctc": 0.0}, {"projection"}),
        ({"stages__segmentation": 0, "weights__ptc": 0.0}, set()),
        ({"stages__segmentation": 0, "optimiser__freeze": 1}, {"encoder"}),
    ],
)
def test_a_part_is_idle_where_no_term_trains_it(changes: dict[str, Any], idle: set[str]) -> None:
    assert Objective(small_recipe(**changes)).idle_parts(0) == idle


def test_total_weighs_the_terms_that_are_there() -> None:
    recipe = small_recipe(weights__ptc=0.25, weights__seg=0.5)
    losses = {"cls": 1.0, "cls_aux": 2.0, "ptc": 4.0, "seg": 8.0}
    total = Objective(recipe).total({name: torch.tensor(v) for name, v in losses.items()})
    assert total.item() == 1 + 2 + 0.25 * 4 + 0.5 * 8
