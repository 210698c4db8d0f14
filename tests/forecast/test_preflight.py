"""`--preflight`: what is measured, what is proposed where memory is short, and how it exits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from platform.cluster.placement import make_placement
from platform.forecast import preflight
from platform.forecast.preflight import Preflight, run_preflight
from platform.forecast.probe import Measured, first_that_fits
from platform.search.checks import check_options
from platform.search.command import run_search
from platform.search.largest import largest_configuration
from platform.search.options import Resources, SearchOptions
from tests.commands.processes import short_settings
from tests.commands.runs import finish, train_options
from tests.search.worlds import small_space
from tests.toco_core.small_run import small_recipe
from toco_core.settings import Recipe

MEASURED = Measured(step_seconds=0.1, image_seconds=0.01, memory=6e10, available=8e10)


def only_up_to(images_of_a_part: float, recipe: Recipe) -> Measured:
    """A GPU with memory for so many images of a part, twice as many if blocks are recomputed."""
    compute = recipe.compute
    part = recipe.data.images_per_step / compute.parts / (2 if compute.recompute_blocks else 1)
    if part > images_of_a_part:
        raise torch.OutOfMemoryError("CUDA out of memory")
    return MEASURED


@pytest.mark.parametrize(
    ("room", "changes"),
    [
        (4, []),
        (2, ["compute.recompute_blocks=true"]),
        (1, ["compute.recompute_blocks=true", "compute.parts=2"]),
        (0.5, ["compute.recompute_blocks=true", "compute.parts=4"]),
    ],
)
def test_the_first_settings_that_fit_are_found(room: float, changes: list[str]) -> None:
    recipe = small_recipe(data__images_per_step=4)
    fits = first_that_fits(recipe, lambda one: only_up_to(room, one))
    assert fits == (changes, MEASURED)


def test_what_never_fits_is_none() -> None:
    recipe = small_recipe(data__images_per_step=4)
    assert first_that_fits(recipe, lambda one: only_up_to(0.1, one)) is None


@pytest.mark.parametrize(("room", "status"), [(2, 0), (1, 1), (0.1, 1)])
def test_who_does_not_fit_exits_with_advice(
    scenes: Path, monkeypatch: pytest.MonkeyPatch, room: float, status: int
) -> None:
    monkeypatch.setattr(preflight, "_attempt", lambda plan: lambda one: only_up_to(room, one))
    placement = make_placement([{"CPU": 2.0}], workers_per_trial=0, worker={"CPU": 1})
    plan = Preflight(
        recipe=small_recipe(),
        params={},
        dataset=str(scenes),
        split="tune",
        device="cpu",
        placement=placement,
        runs=3,
    )
    console = Console(file=io.StringIO(), width=200)
    assert run_preflight(plan, console) == status
    text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert ("--set compute.recompute_blocks=true" in text) == (room == 1)
    assert ("nothing fits" in text) == (room == 0.1)


def test_the_largest_configuration_has_the_most_work_and_memory() -> None:
    space = small_space(
        """
        parameters:
          data.images_per_step: {type: category, choices: [4, 16, 8]}
          compute.parts: {type: category, choices: [2, 1]}
          data.crop_size: {type: int, low: 224, high: 448, step: 224}
          backbone.name: {type: category, choices: [vit_base_patch16_224, vit_small_patch16_224]}
          weights.ptc: {type: float, low: 0.05, high: 1.0}
        constraints: [data.images_per_step * data.crop_size <= 3584]
        """
    )
    assert largest_configuration(space) == {
        "data.images_per_step": 8,
        "compute.parts": 1,
        "data.crop_size": 448,
        "backbone.name": "vit_base_patch16_224",
        "weights.ptc": 0.2,
    }


def test_a_training_run_is_measured_and_leaves_nothing(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish(train_options(scenes, tmp_path / "reports", preflight=True)) == 0
    text = capsys.readouterr().out
    assert "peak memory" in text
    assert "a score of 24 images" in text
    assert not (tmp_path / "reports").exists()


def test_a_search_is_measured_and_leaves_nothing(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = SearchOptions(
        data=str(scenes), reports=tmp_path / "reports", set=short_settings(), preflight=True
    )
    assert run_search(options, *check_options(options)) == 0
    assert "12 runs, if none stops early" in capsys.readouterr().out
    assert not (tmp_path / "reports").exists()


def test_another_machine_is_not_measured_from_here(scenes: Path) -> None:
    options = SearchOptions(data=str(scenes), preflight=True, resources=Resources(address="auto"))
    with pytest.raises(ValueError, match="leave out --address"):
        run_search(options, *check_options(options))
