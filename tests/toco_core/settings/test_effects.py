"""From which iteration a setting has a part in a run, and up to which two recipes are one run."""

from __future__ import annotations

import pytest

from toco_core.settings.effects import (
    NEVER,
    first_effect,
    prefix_digest,
    same_until,
    settings_in_effect,
)
from toco_core.settings.keys import setting_fields
from toco_core.settings.overrides import apply_overrides, load_recipe

COCO = load_recipe("coco_vit_b")  # segmentation from 8,000, contrast and the final CAM from 12,000
VOC = load_recipe("voc_vit_b")  # contrast from 0, segmentation from 2,000


@pytest.mark.parametrize(
    ("key", "coco", "voc"),
    [
        ("weights.ptc", 12_000, 0),
        ("weights.ctc", 12_000, 0),
        ("weights.seg", 8000, 2000),
        ("weights.energy", 8000, 2000),
        ("thresholds.low", 8000, 0),  # the first labels that are refined are cut by them
        ("ctc.temperature", 12_000, 0),
        ("ctc.momentum", 12_000, 0),
        ("energy.sigma_rgb", 8000, 2000),
        ("stages.contrast", 12_000, 0),
        ("stages.segmentation", 8000, 2000),
        ("stages.final_cam", 12_000, 2000),  # there are no refined labels before
        ("backbone.aux_layer", 0, 0),  # its classifier learns from the first step on
        ("optimiser.lr", 0, 0),
        ("optimiser.freeze", 0, 0),
        ("optimiser.classifier_lr_factor", 0, 0),
        ("optimiser.decoder_lr_factor", 8000, 2000),
        ("optimiser.projection_lr_factor", 12_000, 0),
        ("classifiers.init", 0, 0),
        ("optimiser.power", 0, 0),  # no part in the warm-up, but a checkpoint holds it
        ("cam.scales", 0, 0),  # scores read them too
        ("seed", 0, 0),
        ("thresholds.bkg", NEVER, NEVER),
        ("scoring.scores", NEVER, NEVER),
    ],
)
def test_a_setting_has_a_part_from_the_first_term_that_reads_it(
    key: str, coco: float, voc: float
) -> None:
    assert (first_effect(COCO, key), first_effect(VOC, key)) == (coco, voc)


def test_what_only_terms_read_that_are_switched_off_never_has_a_part() -> None:
    off = apply_overrides(COCO, {"weights.ctc": 0.0, "weights.seg": 0.0, "weights.energy": 0.0})
    assert first_effect(off, "ctc.temperature") == NEVER
    assert first_effect(off, "stages.segmentation") == NEVER
    assert first_effect(off, "thresholds.high") == 12_000
    assert first_effect(off, "weights.ctc") == 12_000  # that it is 0 matters from there


def test_what_declares_nothing_has_a_part_from_the_first_step() -> None:
    undeclared = [key for key, field in setting_fields().items() if not field.json_schema_extra]
    assert undeclared
    assert {first_effect(COCO, key) for key in undeclared} == {0}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, 80_000),
        ({"thresholds.bkg": 0.3, "scoring.scores": 8}, 80_000),
        ({"weights.ptc": 0.3}, 12_000),
        ({"weights.ptc": 0.0}, 12_000),
        ({"thresholds.high": 0.7, "weights.ptc": 0.3}, 8000),
        ({"stages.contrast": 20_000}, 12_000),
        ({"stages.contrast": 500}, 500),
        ({"stages.final_cam": 9000}, 9000),
        ({"stages.final_cam": 500}, 8000),
        ({"backbone.aux_layer": -4}, 0),
        ({"seed": 1}, 0),
        ({"iterations": 40_000}, 0),  # the learning rate decays towards it
    ],
)
def test_two_recipes_are_one_run_until_a_difference_has_a_part(
    changes: dict[str, object], same: int
) -> None:
    other = apply_overrides(COCO, changes)
    assert same_until(COCO, other) == same_until(other, COCO) == same
    for iteration in {0, same, min(same + 1, 80_000)}:
        one, two = (settings_in_effect(recipe, iteration) for recipe in (COCO, other))
        assert (one == two) == (iteration <= same)


def test_a_digest_is_of_the_settings_in_effect_the_steps_and_the_conditions() -> None:
    other = apply_overrides(COCO, {"weights.ptc": 0.3})
    here = {"device": "cpu"}
    digests = {
        prefix_digest(COCO, 12_000, here),
        prefix_digest(COCO, 12_001, here),
        prefix_digest(other, 12_001, here),
        prefix_digest(COCO, 11_999, here),
        prefix_digest(COCO, 12_000, {"device": "NVIDIA H100"}),
    }
    assert len(digests) == 5
    assert prefix_digest(other, 12_000, here) == prefix_digest(COCO, 12_000, here)
