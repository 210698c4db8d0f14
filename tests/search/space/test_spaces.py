from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space, parse_space, space_names
from platform.search.space.writing import dump_space
from tests.search.worlds import small_space
from toco_core.settings.overrides import apply_overrides, load_recipe, recipe_names

LAYER = "parameters: {backbone.aux_layer: {type: int, low: %s, high: %s}}"


@pytest.mark.parametrize("name", space_names())
@pytest.mark.parametrize("recipe", recipe_names())
def test_a_space_of_the_package_fits_every_recipe(name: str, recipe: str) -> None:
    checked = check_space(load_space(name), load_recipe(recipe), depth=10)
    rng = np.random.default_rng(0)
    draws = [checked.random(rng) for _ in range(50)]
    assert sum(map(checked.is_feasible, draws)) >= 25
    assert all(checked.is_feasible(point) for point in checked.starting_points())


def test_spaces_compose_in_the_order_given() -> None:
    space = load_space("thresholds", "ptc_layer")
    assert list(space.by_key) == ["thresholds.low", "thresholds.high", "backbone.aux_layer"]
    assert space.name == "thresholds+ptc_layer"
    assert len(space.constraints) == 1


def test_a_key_in_two_spaces_is_refused_naming_both() -> None:
    with pytest.raises(ValueError, match=r"thresholds\.low is searched by both full and thresho"):
        load_space("full", "thresholds")


def test_a_space_is_loaded_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("parameters: {optimiser.lr: {type: float, low: 1e-5, high: 1e-3, log: true}}")
    parameter = load_space(str(file)).by_key["optimiser.lr"]
    assert (parameter.low, parameter.high, parameter.log) == (1e-5, 1e-3, True)


def test_an_unknown_space_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"search space nope: neither a file nor one of full"):
        load_space("nope")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters: {weights.pct: {type: float, low: 0, high: 1}}", r"mean weights\.ptc"),
        ("parameters: {weights.ptc: {type: real, low: 0, high: 1}}", "needs a type"),
        ("parameters: {weights.ptc: {type: float, low: 0}}", "needs low and high"),
        ("parameters: {weights.ptc: {type: float, low: 2, high: 1}}", "low not above high"),
        ("parameters: {weights.ptc: {type: float, low: a, high: 1}}", "low 'a' is not of type"),
        ("parameters: {weights.ptc: {type: float, low: 0, high: 1, log: true}}", "low above 0"),
        ("parameters: {weights.ptc: {type: float, low: 0, high: 1, lgo: true}}", "lgo is not"),
        ("parameters: {ctc.output: {type: int, low: 1.5, high: 3}}", "1.5 is not of type int"),
        ("parameters: {data.flip: {type: category}}", "needs choices"),
        ("parameters: {data.flip: {type: category, choices: [[1]]}}", "numbers, words"),
        ("parameters: {data.flip: {type: category, choices: [true, true]}}", "given twice"),
        ("parameters: {}", "nothing to search"),
        ("parametres: {}", "parametres is not one of"),
        ("constraints: weights.ptc < 1", "constraints must be a list"),
        (LAYER % (-3, -1) + "\nconstraints: [weights.pct < 1]", r"mean weights\.ptc"),
        (LAYER % (-3, -1) + "\nknown: [{weights.ptc: 1}]", "does not search"),
        ("parameters: {? [weights.ptc] : 1}", "line 1: a key is a word, not a list"),
        ("parameters: &a {weights.ptc: *a}", "line 1: a holds itself"),
        (LAYER % (-3, -1) + f"\nconstraints: [{'(' * 5000}]", "more than 500 characters"),
        (
            f"parameters: {{data.flip: {{type: category, choices: [{'[1], ' * 999}]}}}}",
            r"\[1\], \.\.\.",
        ),
    ],
)
def test_a_malformed_space_is_refused_naming_file_and_fault(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_space(text, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_space_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes("description: Übung\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine\.yaml is not a text in UTF-8"):
        load_space(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(("low", "high"), [(-11, -1), (0, 10), (-20, -15), (5, 12)])
def test_a_layer_outside_the_backbone_is_refused_with_the_valid_range(low: int, high: int) -> None:
    space = parse_space(LAYER % (low, high), "mine.yaml")
    with pytest.raises(ValueError, match=r"10 blocks; valid are -10 to -1 .* or 0 to 9"):
        check_space(space, load_recipe("voc_vit_b"), depth=10)


def test_a_layer_range_does_not_count_from_both_sides() -> None:
    space = parse_space(LAYER % (-3, 3), "mine.yaml")
    with pytest.raises(ValueError, match="counts from both sides"):
        check_space(space, load_recipe("voc_vit_b"), depth=12)


@pytest.mark.parametrize(
    ("low", "high", "start"), [(-6, -1, -3), (6, 11, 9)], ids=["from the end", "from the start"]
)
def test_the_recipes_layer_is_counted_as_the_space_counts(low: int, high: int, start: int) -> None:
    space = parse_space(LAYER % (low, high), "mine.yaml")
    for layer in (-3, 9):  # the same of 12 blocks
        recipe = apply_overrides(load_recipe("voc_vit_b"), {"backbone.aux_layer": layer})
        assert check_space(space, recipe, depth=12).starting_points() == [
            {"backbone.aux_layer": start}
        ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("thresholds.low: {type: float, low: 0, high: 1.5}", "1.5 is refused: .*less than or"),
        ("weights.ptc: {type: float, low: -1, high: 1}", "-1 is refused"),
        ("stages.contrast: {type: float, low: 1.5, high: 3.5}", "1.5 is refused"),
        ("weights.ptc: {type: category, choices: ['1', '2']}", "'1' is a str"),
        ("weights.ptc: {type: category, choices: [true]}", "True is a bool"),
        ("backbone.weights: {type: int, low: 1, high: 2}", "1 is refused"),
        (
            "optimiser.warmup: {type: int, low: 500, high: 20000}",
            r"warmup 20000 must be in 0\.\.19999.*shorten the warm-up",
        ),
    ],
)
def test_a_range_that_the_settings_refuse_is_refused(entry: str, message: str) -> None:
    space = parse_space(f"parameters: {{{entry}}}", "mine.yaml")
    with pytest.raises(ValueError, match=message):
        check_space(space, load_recipe("voc_vit_b"), depth=12)


def test_a_recipe_outside_the_search_is_refused_with_the_way_out() -> None:
    space = parse_space("parameters: {weights.ptc: {type: float, low: 0.5, high: 1}}", "mine.yaml")
    with pytest.raises(ValueError, match=r"own value 0\.2 .*0\.5 to 1.*--set weights\.ptc="):
        check_space(space, load_recipe("voc_vit_b"), depth=12)


def test_constraints_that_nothing_meets_are_refused() -> None:
    text = "parameters: {ctc.output: {type: int, low: 1, high: 20000}}\nconstraints: [%s]"
    with pytest.raises(ValueError, match=r"breaks ctc\.output > 30000"):
        check_space(parse_space(text % "ctc.output > 30000", "x"), load_recipe("voc_vit_b"), 12)
    with pytest.raises(ValueError, match="none of 1000 random configurations"):
        check_space(parse_space(text % "ctc.output == 1024", "x"), load_recipe("voc_vit_b"), 12)


def test_the_settings_own_rules_are_constraints_too() -> None:
    assert not small_space().is_feasible({"thresholds.low": 0.75})  # the recipe's high is 0.7
    assert small_space().is_feasible({"thresholds.low": 0.75, "thresholds.high": 0.9})


def test_the_first_configuration_is_the_recipes_own_then_the_known() -> None:
    own, known = small_space().starting_points()
    assert own == {
        "thresholds.low": 0.25,
        "thresholds.high": 0.7,
        "weights.ptc": 0.2,
        "backbone.aux_layer": -3,
    }
    assert known == {**own, "weights.ptc": 0.4}


CONDITIONAL = """
parameters:
  stages.contrast: {type: category, choices: [0, 2000]}
  weights.ctc: {type: float, low: 0.1, high: 1, when: stages.contrast > 0 and data.flip == True}
"""


def test_a_parameter_is_drawn_only_where_its_condition_holds() -> None:
    checked = small_space(CONDITIONAL)
    rng = np.random.default_rng(0)
    for params in (checked.random(rng) for _ in range(20)):
        assert ("weights.ctc" in params) == (params["stages.contrast"] == 2000)
    assert checked.starting_points() == [{"stages.contrast": 0}]


def test_a_condition_names_only_what_stands_above() -> None:
    upside_down = """
parameters:
  weights.ctc: {type: float, low: 0.1, high: 1, when: weights.ptc > 0}
  weights.ptc: {type: float, low: 0.1, high: 1}
"""
    with pytest.raises(ValueError, match=r"when names weights\.ptc, which must stand above it"):
        parse_space(upside_down, "mine.yaml")


def test_values_of_a_grid_are_as_one_would_type_them() -> None:
    rng = np.random.default_rng(0)
    drawn = {float(small_space().random(rng)["thresholds.low"]) for _ in range(200)}
    assert drawn == {round(0.05 * k, 2) for k in range(1, 13)}


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("iterations", "type: int, low: 100, high: 20000"),
        ("data.source", "type: category, choices: [partscenes, other]"),
        ("name", "type: category, choices: [voc_vit_b, other]"),
        ("scoring.scores", "type: int, low: 1, high: 5"),
        ("scoring.images", "type: int, low: 1, high: 5"),
        ("seed", "type: int, low: 0, high: 9"),
        ("thresholds.bkg", "type: float, low: 0.2, high: 0.8"),
    ],
)
def test_what_makes_scores_comparable_is_not_searched(key: str, entry: str) -> None:
    with pytest.raises(ValueError, match=rf"mine\.yaml: {key} cannot be searched: .*--set"):
        parse_space(f"parameters: {{{key}: {{{entry}}}}}", "mine.yaml")


BOMB = "".join(
    f"&{b} [{', '.join([f'*{a}'] * 9)}], " for a, b in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("type: [float], low: 0, high: 1", "needs a type"),
        ("type: {float: 1}, low: 0, high: 1", "needs a type"),
        ("type: float, low: 0, high: 1, step: 1.0e-300", "more than 1000000 values"),
        ("type: float, low: 0, high: 1, step: .nan", "must be above 0"),
        (f"type: int, low: 0, high: {'9' * 400}", r"a number of 1329 bits is not within 2\^53"),
        (f"type: category, choices: [&a [1, 2], {BOMB}]", "more than 10000 values"),
        (f"type: category, choices: {'[' * 5000}{']' * 5000}", "nested too deeply"),
    ],
)
def test_what_describes_no_range_is_refused_in_one_line(entry: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_space(f"parameters: {{weights.ptc: {{{entry}}}}}", "mine.yaml")
    assert "mine.yaml" in str(caught.value)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["constraints", "when"])
@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("name < 3", "name is not a number"),
        ("'a' * 99999999999999 == 'b'", "'a' is not a number"),
        ("weights.ptc > 0 or -name < 3", "name is not a number"),
        ("cam.scales < 2", "cam.scales is not a number"),
        ("scoring.images > 1 and weights.ptc > 0", "scoring.images is not a number"),
        ("1/0 < 2", "0 may be 0"),
        ("1 / stages.contrast < 2", "stages.contrast may be 0"),
        (f"{'9' * 400} * 1.0 < 2", "is not within"),
        (f"{'(' * 5000}1{')' * 5000} < 2", "more than 500 characters"),
        (f"{'(' * 240}1{')' * 240} < 2", "is not a condition"),
    ],
)
def test_a_condition_that_cannot_be_computed_is_refused(
    place: str, condition: str, message: str
) -> None:
    inside, below = "", f'constraints: ["{condition}"]'
    if place == "when":
        inside, below = f', when: "{condition}"', ""
    text = f"parameters: {{weights.ctc: {{type: float, low: 0, high: 1{inside}}}}}\n{below}"
    with pytest.raises(ValueError, match=message) as caught:
        check_space(parse_space(text, "mine.yaml"), load_recipe("voc_vit_b"), depth=12)
    assert "mine" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_long_condition_of_small_numbers_is_computed() -> None:
    text = f"{'-' * 400}1 + weights.ptc > 0"
    space = (
        f"parameters: {{weights.ptc: {{type: float, low: 0, high: 1}}}}\nconstraints: ['{text}']"
    )
    assert check_space(parse_space(space, "x"), load_recipe("voc_vit_b"), 12).is_feasible({})


@pytest.mark.parametrize("names", [("full",), ("ptc_layer", "thresholds"), ("partscenes",)])
def test_a_space_comes_back_from_what_is_written(names: tuple[str, ...]) -> None:
    space = load_space(*names)
    again = parse_space(dump_space(space), "space")
    for one, other in zip(space.parameters, again.parameters, strict=True):
        assert (one.key, one.kind, one.describe(), one.log) == (
            other.key,
            other.kind,
            other.describe(),
            other.log,
        )
        assert (one.low, one.high, one.step, one.choices) == (
            other.low,
            other.high,
            other.step,
            other.choices,
        )
        assert (one.when and one.when.text) == (other.when and other.when.text)
    assert [one.text for one in again.constraints] == [one.text for one in space.constraints]
    assert again.known == space.known
