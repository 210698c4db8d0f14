from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from platform.data.options import ProbeOptions
from platform.data.probe_advice import Probed, remarks, suggested_recipe
from platform.data.probe_command import run_probe
from toco_core.settings.overrides import load_recipe

GOOD = Probed(
    images=2645,
    per_class=[100, 100],
    class_names=["car", "person"],
    token_ap=[0.3, 0.4, 0.6, 0.8],
    patch_ap=[0.3, 0.4, 0.6, 0.8],
    similarity=[0.2, 0.3, 0.4, 0.5],
    common=0.2,
    chance=0.2,
)


def test_a_probe_prints_a_line_for_each_block_and_writes_a_recipe(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "own/own.yaml"
    options = ProbeOptions(target=str(scenes), backbone="partscenes_vit", output=output)
    assert run_probe(options) == 0
    printed = capsys.readouterr().out
    assert "32 of 32 images, 10 of them held out" in printed
    assert "no mask was opened" in printed
    rows = [line.split() for line in printed.splitlines() if line[:1].isdigit()]
    assert [row[:2] for row in rows[:2]] == [["1", "-10"], ["2", "-9"]]
    assert "stages.segmentation: 30 -> 500" in printed
    assert "aux_layer: " not in printed  # this backbone's own stays
    recipe = load_recipe(str(output))
    assert recipe.data.source == str(scenes)
    assert recipe.iterations == 2000
    assert (recipe.data.crop_size, recipe.backbone.weights) == (64, "embedded")
    assert recipe.stages.contrast == round(10 / 120 * 2000)


def test_nothing_is_remarked_where_nothing_is_suspicious() -> None:
    assert list(remarks(GOOD)) == []


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"per_class": [100, 3]}, "fewer than 20 of these images: person"),
        ({"chance": 0.5}, "no block knows the classes"),
        ({"patch_ap": [0.3, 0.4, 0.9, 0.5]}, "less of the classes than those of block 3"),
        ({"similarity": [0.2, 0.3, 0.8, 0.97]}, "all alike (cosine 0.97)"),
        ({"common": 0.93}, "93% of what a patch token is"),
    ],
)
def test_what_is_suspicious_is_remarked(changes: dict[str, object], remark: str) -> None:
    (line,) = remarks(replace(GOOD, **changes))  # pyright: ignore[reportArgumentType]
    assert remark in line


def test_the_suggested_recipe_has_the_proportions_of_voc() -> None:
    recipe = load_recipe("voc_vit_b")
    suggested = suggested_recipe(recipe, GOOD, name="own", source="/own", size=448)
    assert suggested.iterations == 5000  # a quarter of VOC's images
    assert suggested.stages.segmentation == 500
    assert suggested.optimiser.warmup == 375
    assert suggested.optimiser.lr == recipe.optimiser.lr
    assert suggested.optimiser.freeze == 0


def test_tokens_that_are_mostly_alike_get_a_slower_encoder_and_faster_heads() -> None:
    recipe, found = load_recipe("voc_vit_b"), replace(GOOD, common=0.9)
    suggested = suggested_recipe(recipe, found, name="own", source="/own", size=448).optimiser
    heads = suggested.lr * suggested.head_lr_factor
    assert suggested.freeze == 500  # of 5,000
    assert suggested.lr == pytest.approx(recipe.optimiser.lr / 20)
    assert heads == pytest.approx(2.5 * recipe.optimiser.lr * recipe.optimiser.head_lr_factor)


def test_too_few_images_are_refused(scenes: Path, tmp_path: Path) -> None:
    from platform.data.checks import check_options

    with pytest.raises(ValueError, match="images 3 must be at least 20"):
        check_options(ProbeOptions(target=str(scenes), images=3))
