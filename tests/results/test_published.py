from __future__ import annotations

import pytest

from platform.results.published import beside_published, published_curve
from toco_core.settings.overrides import apply_overrides, load_recipe


@pytest.mark.parametrize(
    ("name", "last"),
    [("voc_vit_b", 0.723), ("voc_deit_b", 0.705), ("coco_vit_b", 0.434), ("coco_deit_b", 0.419)],
)
def test_every_published_recipe_has_its_curve(name: str, last: float) -> None:
    recipe = load_recipe(name)
    curve = published_curve(recipe)
    assert curve[-1] == (recipe.iterations, pytest.approx(last))
    assert [one.iteration for one in curve] == sorted(one.iteration for one in curve)


def test_a_run_is_set_beside_it_where_both_have_a_score() -> None:
    said = beside_published(load_recipe("voc_vit_b"), {4000: 0.60, 8000: 0.653, 9000: 0.7})
    assert said.endswith("images): 1.8 above 58.2 at 4,000, 1.3 below 66.6 at 8,000")


def test_nothing_is_said_of_other_recipes_and_other_lengths() -> None:
    short = apply_overrides(load_recipe("voc_vit_b"), {"iterations": 10_000})
    assert beside_published(short, {8000: 0.6}) == ""
    assert beside_published(load_recipe("partscenes"), {24: 0.6}) == ""
    assert beside_published(load_recipe("voc_vit_b"), {9000: 0.6}) == ""
