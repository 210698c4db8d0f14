from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from toco_core.settings import Recipe
from toco_core.settings.keys import get_value, may_change_on_resume, setting_fields
from toco_core.settings.overrides import (
    apply_overrides,
    dump_recipe,
    load_recipe,
    parse_override,
    recipe_names,
)


def test_an_override_replaces_one_setting_and_leaves_the_recipe_alone() -> None:
    recipe = load_recipe("voc_vit_b")
    changed = apply_overrides(recipe, {"weights.ptc": 0.3, "iterations": 100})
    assert (changed.weights.ptc, changed.iterations) == (0.3, 100)
    assert (recipe.weights.ptc, recipe.iterations) == (0.2, 20_000)
    assert changed.weights.ctc == recipe.weights.ctc


def test_two_thresholds_move_together_past_each_others_old_place() -> None:
    changed = apply_overrides(
        load_recipe("voc_vit_b"), {"thresholds.low": 0.8, "thresholds.high": 0.9}
    )
    assert (changed.thresholds.low, changed.thresholds.high) == (0.8, 0.9)


@pytest.mark.parametrize(
    ("key", "closest"),
    [
        ("weights.ptcc", "weights.ptc"),
        ("optimizer.lr", "optimiser.lr"),
        ("temperature", "ctc.temperature"),
        ("iteration", "iterations"),
    ],
)
def test_an_unknown_key_is_refused_with_the_closest_one(key: str, closest: str) -> None:
    with pytest.raises(ValueError, match=f"{key} is not a setting; did you mean {closest}\\?"):
        apply_overrides(load_recipe("voc_vit_b"), {key: 1})


def test_a_section_is_not_a_setting() -> None:
    with pytest.raises(ValueError, match=r"thresholds is a section; give one of thresholds\.low"):
        apply_overrides(load_recipe("voc_vit_b"), {"thresholds": {"low": 0.1}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weights.ptc": "abc"}, r"weights\.ptc: .*valid number.*'abc'"),
        ({"weights.ptc": True}, r"weights\.ptc is not a true/false setting"),
        ({"data.flip": 1}, r"data\.flip is a true/false setting"),
        ({"iterations": 0}, r"iterations: .*greater than or equal to 1.*given 0"),
        ({"thresholds.low": 0.9}, r"thresholds\.low 0\.9 must be below thresholds\.high 0\.7"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        apply_overrides(load_recipe("voc_vit_b"), values)
    assert "\n" not in str(caught.value)


BOOLS = [key for key, field in setting_fields().items() if "bool" in str(field.annotation)]


@pytest.mark.parametrize("key", BOOLS)
@pytest.mark.parametrize("value", [True, False])
def test_a_true_false_setting_takes_both_whatever_it_was(key: str, value: bool) -> None:
    for before in (Recipe(), apply_overrides(Recipe(), {key: not value})):
        assert get_value(apply_overrides(before, {key: value}), key) is value


def test_a_true_false_setting_that_may_be_left_open_takes_null_and_no_number() -> None:
    recipe = apply_overrides(Recipe(), {"compute.recompute_activations": True})
    unset = apply_overrides(recipe, {"compute.recompute_activations": None})
    assert unset.compute.recompute_activations is None
    with pytest.raises(ValueError, match="is a true/false setting"):
        apply_overrides(Recipe(), {"compute.recompute_activations": 1})


@pytest.mark.parametrize("key", setting_fields())
def test_every_setting_takes_its_own_value(key: str) -> None:
    assert apply_overrides(Recipe(), {key: get_value(Recipe(), key)}) == Recipe()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weights.ptc=0.3", ("weights.ptc", 0.3)),
        ("optimiser.lr=6e-5", ("optimiser.lr", 6e-5)),
        ("data.flip=false", ("data.flip", False)),
        ("cam.scales=[1, 0.5]", ("cam.scales", [1, 0.5])),
        ("data.source=s3://bucket/voc", ("data.source", "s3://bucket/voc")),
        ("scoring.images=null", ("scoring.images", None)),
    ],
)
def test_the_value_of_an_override_is_yaml(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["weights.ptc", "weights.pct=1", "cam.scales=[1, "])
def test_a_malformed_override_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="--set"):
        parse_override(text)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_of_the_package_survives_the_trip_through_yaml(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_recipe(recipe))
    assert load_recipe(str(copy)) == recipe


def test_the_voc_recipe_is_the_default_of_the_settings() -> None:
    assert load_recipe("voc_vit_b") == Recipe.model_validate({})


def test_coco_starts_with_classification_alone() -> None:
    recipe = load_recipe("coco_vit_b")
    stages = recipe.stages
    assert (stages.segmentation, stages.contrast, stages.final_cam) == (8000, 12_000, 12_000)
    assert (recipe.thresholds.high, recipe.thresholds.bkg, recipe.ctc.temperature) == (
        0.65,
        0.45,
        1,
    )


def test_a_recipe_with_several_mistakes_gets_a_line_for_each(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("iterations: many\nweights: {pct: 1}\n")
    with pytest.raises(ValueError, match=r"did you mean weights\.ptc") as caught:
        load_recipe(str(file))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iterations: [1", "line"),
        ("weights: {ptc: 1, ptc: 2}", "ptc is given twice"),
        ("- 1", "mapping"),
    ],
)
def test_a_file_that_is_no_recipe_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_recipe(str(file))
    assert "mine.yaml" in str(caught.value)


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("? [iterations, weights]\n: 1\n", "line 1: a key is a word, not a list"),
        ("weights:\n  ? {ptc: 1}\n  : 1\n", "line 2: a key is a word, not a mapping"),
        ("1: 2\n", "1 is not a setting"),
        ("2024-01-01: 2\n", "is not a setting"),
        ("iterations: 2001-99-99\n", "line 1: .2001-99-99. cannot be read: month must be in"),
        ("iterations: !!int many\n", "line 1: .many. cannot be read"),
        ("iterations: !!bool perhaps\n", "line 1: 'perhaps' cannot be read"),
        ("iterations: !!timestamp today\n", "line 1: 'today' cannot be read"),
        (f"data: {{flip: 0x{'f' * 5000}}}\n", r"flip: .* a number of 20000 bits"),
        (f"iterations: {'9' * 5000}\n", "line 1: .9*\\.\\.\\.9*. cannot be read"),
        ("name: !!python/object:os.system x\n", "line 1: could not determine a constructor"),
        ("\niterations: \a\n", r"line 2: a character that no text holds: '\\x07'"),
        ("iterations: \0\n", "is not a text in UTF-8, it holds NUL"),
        (f"{'k' * 900}: 1\n", r"kkk\.\.\. is not a setting"),
        (
            'data: {source: "a\\0b"}\n',
            r"data\.source: a text without line breaks and NUL .*a\\x00b",
        ),
        ('name: "a\\nb"\n', "name: a text without line breaks"),
        ("name: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("iterations: &a [*a]\n", "line 1: a holds itself"),
        (BOMB + "iterations: *i\n", "line .: aliases stand for more than 10000 values"),
        ("iterations: [" + "1," * 5000 + "]\n", r"given \[1, 1, 1, 1, 1, 1, \.\.\.\]\)"),
        ("[" + "1," * 5000 + "]\n", r"not \[1, 1, 1, 1, 1, 1, \.\.\.\]"),
        ("iterations: " + "x" * 5000, r"given 'xxx\w*\.\.\.x*'\)"),
    ],
)
def test_a_hostile_recipe_gets_one_short_line_with_its_name(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_recipe(str(file))
    assert str(caught.value).startswith(str(file))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


def test_a_value_may_be_given_once_and_meant_twice(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("weights: {ptc: &weight 0.3, ctc: *weight}\n")
    recipe = load_recipe(str(file))
    assert (recipe.weights.ptc, recipe.weights.ctc) == (0.3, 0.3)


def test_a_recipe_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes("name: Übung\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine\.yaml is not a text in UTF-8"):
        load_recipe(str(file))


@pytest.mark.parametrize("name", ["r" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_no_recipe(name: str) -> None:
    with pytest.raises(ValueError, match="neither a file nor one of"):
        load_recipe(name)


def test_an_unknown_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"recipe nope: neither a file nor one of .*voc_vit_b"):
        load_recipe("nope")


def test_every_setting_can_be_read_by_its_key() -> None:
    recipe = load_recipe("voc_vit_b")
    assert get_value(recipe, "thresholds.low") == 0.25
    assert all(
        get_value(recipe, key) == field.get_default() for key, field in setting_fields().items()
    )


def test_overrides_do_not_need_torch() -> None:
    code = "import toco_core.settings.overrides, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_may_change_on_resume_is_declared_at_the_setting() -> None:
    free = {key for key in setting_fields() if may_change_on_resume(key)}
    assert free == {
        "name",
        "backbone.weights",
        "data.source",
        "thresholds.bkg",
        "compute.parts",
        "compute.recompute_blocks",
        "compute.compile",
        "scoring.scores",
    }
