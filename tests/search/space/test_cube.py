from __future__ import annotations

import numpy as np
import pytest

from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.cube import Cube
from platform.search.space.spaces import parse_space
from toco_core.settings.overrides import load_recipe

SPACE = """
parameters:
  backbone.aux_layer: {type: int, low: -6, high: -1}
  thresholds.low: {type: float, low: 0.05, high: 0.5, step: 0.05}
  optimiser.lr: {type: float, low: 1e-5, high: 1e-1, log: true}
  compute.precision: {type: category, choices: [auto, bfloat16]}
  weights.ctc: {type: float, low: 0.1, high: 0.5, when: thresholds.low > 0.3}
"""


def mixed_space(text: str = SPACE) -> CheckedSpace:
    return check_space(parse_space(text, "made_up"), load_recipe("voc_vit_b"), depth=12)


def test_a_configuration_comes_back_from_its_place() -> None:
    space, rng = mixed_space(), np.random.default_rng(0)
    drawn = [space.random(rng) for _ in range(50)]
    cube = Cube(space)
    back = [cube.configuration(place) for place in cube.places(drawn)]
    for one, other in zip(drawn, back, strict=True):
        assert one == pytest.approx(other)
        assert all(space.space.by_key[key].contains(value) for key, value in other.items())


def test_ranges_fill_the_cube_on_the_logarithm_where_the_space_says_so() -> None:
    cube = Cube(mixed_space())
    first, last = (
        {"backbone.aux_layer": -6, "thresholds.low": 0.05, "optimiser.lr": 1e-5},
        {"backbone.aux_layer": -1, "thresholds.low": 0.5, "optimiser.lr": 1e-1},
    )
    middle = {**first, "optimiser.lr": 1e-3}
    places = cube.places([first, last, middle])
    np.testing.assert_allclose(places[:, 2], [0, 1, 0.5], atol=1e-12)
    np.testing.assert_allclose(places[:2, :2], [[0, 0], [1, 1]], atol=1e-12)


def test_any_place_snaps_to_one_that_exists_and_stays_there() -> None:
    cube, rng = Cube(mixed_space()), np.random.default_rng(0)
    snapped = cube.snap(rng.uniform(-0.5, 1.5, size=(100, cube.axes)))
    np.testing.assert_allclose(cube.snap(snapped), snapped, atol=1e-12)
    assert ((snapped >= 0) & (snapped <= 1)).all()


def test_what_is_not_searched_lies_where_the_recipe_is() -> None:
    space = mixed_space()
    cube = Cube(space)
    off = {"backbone.aux_layer": -3, "thresholds.low": 0.1, "optimiser.lr": 1e-3}
    recipe = space.recipe.weights.ctc
    assert cube.places([off])[0, 4] == pytest.approx((recipe - 0.1) / 0.4)
    assert "weights.ctc" not in cube.configuration(cube.places([off])[0])


def test_two_choices_are_at_distance_1() -> None:
    cube = Cube(mixed_space())
    base = {"backbone.aux_layer": -3, "thresholds.low": 0.1, "optimiser.lr": 1e-3}
    both = [{**base, "compute.precision": choice} for choice in ("auto", "bfloat16")]
    one, other = cube.features(cube.places(both))
    assert np.linalg.norm(one - other) == pytest.approx(1)
    np.testing.assert_array_equal(cube.groups, [0, 1, 2, 3, 3, 4])


def test_a_small_space_is_listed_and_a_large_one_is_not() -> None:
    layers = Cube(mixed_space("parameters: {backbone.aux_layer: {type: int, low: -6, high: -1}}"))
    listed = layers.all_places(10)
    assert listed is not None
    values = [layers.configuration(place)["backbone.aux_layer"] for place in listed]
    assert values == [-6, -5, -4, -3, -2, -1]
    assert layers.all_places(5) is None
    assert Cube(mixed_space()).all_places(10_000) is None
