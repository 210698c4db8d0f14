"""Which steps are one kind, and which runs can be recorded; recording itself needs a GPU."""

from __future__ import annotations

import pytest
import torch

from tests.toco_core.small_run import random_batch, small_recipe
from toco_core.model.toco import build_model
from toco_core.step import ToCoLosses
from toco_core.training.feed import Fed
from toco_core.training.recording import SMALLEST_LATTICE, Kinds, can_record, power_of_two

GPU = torch.device("cuda")


def losses_of(**settings: object) -> ToCoLosses:
    recipe = small_recipe(**settings)
    parts = recipe.compute.parts
    return ToCoLosses(build_model(recipe, num_classes=3), recipe, parts=parts)


def fed(most_classes: int = 1, points: int = 5000) -> Fed:
    batch = random_batch(small_recipe())._replace(most_classes=most_classes)
    return Fed(batch, lattice_size=points)


@pytest.mark.parametrize(("number", "expected"), [(1, 1), (2, 2), (3, 4), (4, 4), (4097, 8192)])
def test_sizes_are_rounded_up_to_powers_of_two(number: int, expected: int) -> None:
    assert power_of_two(number) == expected


def test_a_stage_that_begins_is_another_kind() -> None:
    kinds = Kinds(losses_of(stages__contrast=2, stages__segmentation=4, stages__final_cam=6))
    assert len({kinds.of(fed(), iteration) for iteration in range(8)}) == 4


def test_a_step_of_a_frozen_backbone_is_another_kind() -> None:
    kinds = Kinds(losses_of(optimiser__freeze=3, stages__segmentation=0))
    assert [kinds.of(fed(), i) == kinds.of(fed(), 9) for i in (0, 2, 3)] == [False, False, True]


def test_no_more_classes_are_made_than_there_are() -> None:
    kinds = Kinds(losses_of())
    assert [kinds.of(fed(most), 9).classes for most in (1, 2, 3)] == [1, 2, 3]


def test_a_lattice_is_as_large_as_its_points_and_serves_smaller_ones() -> None:
    kinds = Kinds(losses_of())
    sizes = [kinds.of(fed(points=points), 9).lattice_size for points in (9000, 5000, 100, 20_000)]
    assert sizes == [16384, 16384, SMALLEST_LATTICE, 32768]


def test_without_an_energy_no_lattice_tells_steps_apart() -> None:
    kinds = Kinds(losses_of(weights__energy=0.0))
    assert kinds.of(fed(points=5000), 9) == kinds.of(fed(points=90_000), 9)


@pytest.mark.parametrize(
    "settings",
    [
        {"compute__cuda_graphs": False},
        {"compute__parts": 2},
        {"compute__recompute_blocks": True},
        {"compute__precision": "float16"},
        {"backbone__drop_path": 0.1},
    ],
)
def test_what_cannot_be_recorded_runs_kernel_by_kernel(settings: dict[str, object]) -> None:
    plain = {"compute__precision": "float32"}
    assert can_record(losses_of(**plain), GPU)
    assert not can_record(losses_of(**plain | settings), GPU)
    assert not can_record(losses_of(**plain), torch.device("cpu"))
