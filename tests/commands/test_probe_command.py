from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from platform.data.options import ProbeOptions
from platform.data.probe_advice import Probed, remarks, suggested_recipe
from platform.data.probe_command import run_probe
from toco_core.settings.overrides import apply_overrides, load_recipe

VOC = load_recipe("voc_vit_b")
GOOD = Probed(
    images=2645,
    side=500,
    size=448,
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
    assert list(remarks(GOOD, VOC)) == []


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"per_class": [100, 3]}, "fewer than 20 of these images: person"),
        ({"chance": 0.5}, "no block knows the classes"),
        ({"patch_ap": [0.3, 0.4, 0.9, 0.5]}, "less of the classes than those of block 3"),
        ({"similarity": [0.2, 0.3, 0.8, 0.97]}, "all alike (cosine 0.97)"),
        ({"common": 0.93}, "93% of what a patch token is"),
        ({"side": 2000}, "a crop of 448 px is 11% to 45% of their width"),
    ],
)
def test_what_is_suspicious_is_remarked(changes: dict[str, object], remark: str) -> None:
    (line,) = remarks(replace(GOOD, **changes), VOC)  # pyright: ignore[reportArgumentType]
    assert remark in line


def test_the_suggested_recipe_has_the_proportions_of_voc() -> None:
    recipe = load_recipe("voc_vit_b")
    suggested = suggested_recipe(recipe, GOOD, name="own", source="/own")
    assert suggested.iterations == 5000  # a quarter of VOC's images
    assert suggested.stages.segmentation == 500
    assert suggested.optimiser.warmup == 375
    assert suggested.optimiser.lr == recipe.optimiser.lr
    assert suggested.optimiser.freeze == 0


def test_tokens_that_are_mostly_alike_get_a_slower_encoder_and_faster_heads() -> None:
    recipe, found = load_recipe("voc_vit_b"), replace(GOOD, common=0.9)
    suggested = suggested_recipe(recipe, found, name="own", source="/own").optimiser
    heads = suggested.lr * suggested.head_lr_factor
    assert suggested.freeze == 500  # of 5,000
    assert suggested.lr == pytest.approx(recipe.optimiser.lr / 20)
    assert heads == pytest.approx(2.5 * recipe.optimiser.lr * recipe.optimiser.head_lr_factor)


def test_too_few_images_are_refused(scenes: Path, tmp_path: Path) -> None:
    from platform.data.checks import check_options

    with pytest.raises(ValueError, match="images 3 must be at least 20"):
        check_options(ProbeOptions(target=str(scenes), images=3))


@pytest.mark.parametrize(
    ("side", "size", "recipe", "scale_range"),
    [
        (640, 448, "voc_vit_b", (0.5, 2.0)),  # as COCO's
        (2000, 448, "voc_vit_b", (0.11, 0.45)),
        (160, 64, "partscenes", (0.29, 0.55)),
    ],
)
def test_large_images_are_scaled_so_that_a_crop_shows_as_much_as_of_small_ones(
    side: int, size: int, recipe: str, scale_range: tuple[float, float]
) -> None:
    found, before = replace(GOOD, side=side, size=size), load_recipe(recipe)
    suggested = suggested_recipe(before, found, name="own", source="/own").data
    assert suggested.scale_range == scale_range
    text = " ".join(remarks(found, before))
    typed = f"--set 'data.scale_range=[{scale_range[0]:g},{scale_range[1]:g}]'"
    assert (typed in text) == (scale_range != before.data.scale_range)
    own = apply_overrides(before, {"data.scale_range": scale_range})
    assert "scale_range" not in " ".join(remarks(found, own))
