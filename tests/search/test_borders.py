"""After which iterations a trial saves its prefix: where others will go on from it, only there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from platform.search.borders import Borders, borders
from platform.search.retries import enqueue_failed
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space, parse_space
from toco_core.settings.overrides import load_recipe

RATE = "optimiser.lr: {type: float, low: 1e-5, high: 1e-3, log: true}"
LAYER = "backbone.aux_layer: {type: int, low: -3, high: -1}"
LOW = "thresholds.low: {type: float, low: 0.05, high: 0.35, step: 0.1}"
PTC = "weights.ptc: {type: float, low: 0.05, high: 1.0, log: true}"
SEG = "weights.seg: {type: float, low: 0.02, high: 0.5, log: true}"
STAGE = "stages.contrast: {type: int, low: 10000, high: 14000, step: 1000}"
TRIALS = 12


def space_of(*lines: str, recipe: str = "coco_vit_b") -> CheckedSpace:
    text = "description: made up\nparameters:\n" + "".join(f"  {line}\n" for line in lines)
    return check_space(parse_space(text, "made_up"), load_recipe(recipe), depth=12)


def open_study() -> optuna.Study:
    return optuna.create_study(storage=InMemoryStorage(), direction="maximize")


def saved(
    space: CheckedSpace,
    *before: Mapping[str, Any],
    repeat: int = 0,
    trials: int = TRIALS,
    params: Mapping[str, Any] | None = None,
) -> tuple[int, ...]:
    """Return the borders of a trial, the recipe's own unless told, after some others."""
    known = Borders(space, open_study(), trials)
    for number, one in enumerate(before):
        known.of(number, one, 0)
    own = space.starting_point(params or {})
    return known.of(len(before), own, repeat)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((SEG,), [8000]),
        ((PTC, SEG), [8000, 12_000]),
        ((LOW,), [8000]),
        ((PTC, LAYER), [12_000]),
        ((LAYER, RATE), []),
    ],
)
def test_borders_are_where_a_searched_setting_begins_to_matter(
    lines: tuple[str, ...], found: list[int]
) -> None:
    space = space_of(*lines)
    assert borders(space, space.recipe) == found


def test_on_voc_only_the_segmentation_begins_after_the_start() -> None:
    space = space_of(PTC, SEG, recipe="voc_vit_b")
    assert borders(space, space.recipe) == [2000]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((SEG,), (8000,)),
        ((PTC, SEG), (8000,)),  # behind 8,000 no two trials have the same weight
        ((LOW, PTC), (8000, 12_000)),  # 4 values of the threshold for 12 trials
        ((PTC, LAYER), (12_000,)),
        ((PTC, RATE), ()),
    ],
)
def test_a_trial_saves_where_values_are_fewer_than_trials(
    lines: tuple[str, ...], found: tuple[int, ...]
) -> None:
    assert saved(space_of(*lines)) == found


def test_as_many_values_as_trials_need_not_coincide() -> None:
    assert saved(space_of(PTC, LAYER), trials=4) == (12_000,)
    assert saved(space_of(PTC, LAYER), trials=3) == ()


def test_the_full_space_saves_nothing_before_two_trials_coincide() -> None:
    space = check_space(load_space("full"), load_recipe("coco_vit_b"), 12)
    assert saved(space) == ()
    assert not Borders(space, open_study(), 20).will_be_shared
    same_so_far = space.starting_point({"weights.ptc": 0.3, "weights.seg": 0.2})
    # the same rate, layer and thresholds: they part where the segmentation begins
    assert saved(space, same_so_far) == (8000,)


def test_a_trial_that_is_enqueued_is_known() -> None:
    space, study = space_of(RATE, PTC), open_study()
    assert Borders(space, study, TRIALS).of(0, space.starting_point({}), 0) == ()
    study.enqueue_trial(space.starting_point({"weights.ptc": 0.9}))
    assert Borders(space, study, TRIALS).of(1, space.starting_point({}), 0) == (12_000,)


def test_a_repeat_has_another_seed_and_shares_with_no_trial_of_the_first() -> None:
    space = space_of(SEG)
    assert saved(space, repeat=1) == ()
    assert saved(space, space.starting_point({}), repeat=1) == ()


def test_a_searched_stage_is_a_border_of_each_trial_s_own() -> None:
    space = space_of(STAGE)
    assert saved(space, params={"stages.contrast": 11_000}) == (11_000,)


def test_parameters_that_the_settings_refuse_have_no_borders() -> None:
    space = space_of(SEG)
    assert Borders(space, open_study(), TRIALS).of(0, {"weights.seg": -1.0}, 0) == ()


def test_a_retry_has_the_seed_of_the_trial_that_failed() -> None:
    space, study = space_of(PTC, SEG), open_study()
    own = space.starting_point({})
    failed = create_trial(
        state=TrialState.FAIL, params=own, distributions=dict(space.distributions)
    )
    study.add_trial(failed)
    assert Borders(space, study, TRIALS).of(2, own, 0) == (8000,)
    enqueue_failed(study)
    assert Borders(space, study, TRIALS).of(2, own, 0) == (8000, 12_000)
