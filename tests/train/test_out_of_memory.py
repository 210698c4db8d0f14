"""Out of memory: one line with the way out, and nothing left of it on the device."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from platform.cluster.gpu_memory import out_of_memory, ways_to_less
from platform.train.on_ray import is_verdict
from platform.workers.requests import ScoreRequest
from platform.workers.worker import ScoringWorker
from tests.toco_core.small_run import small_recipe
from tests.train.short_run import Listener, short_plan
from toco_core.data.reader import open_dataset
from toco_core.model.toco import ToCo
from toco_core.trainer import Trainer
from toco_core.training.loss_checks import StepLosses


def no_memory(*_: object, **__: object) -> Any:
    activations = torch.zeros(1000)
    raise torch.OutOfMemoryError(f"CUDA out of memory. Tried {activations.nbytes}.\n\nMore lines")


def test_a_run_out_of_memory_says_what_to_change_and_leaves_nothing(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks: list[weakref.ref[ToCo]] = []

    def advance(trainer: Trainer) -> list[StepLosses]:
        networks.append(weakref.ref(trainer.model))
        return no_memory()

    monkeypatch.setattr(Trainer, "advance", advance)
    with pytest.raises(MemoryError, match="ran out in a step of 2 images at 32 px") as caught:
        Listener().train(short_plan(scenes, tmp_path))
    assert "--set compute.parts=2" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert networks[0]() is None
    assert is_verdict(caught.value)
    assert not is_verdict(MemoryError("of this machine"))


def test_a_scorer_out_of_memory_says_what_to_change(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(small_recipe(), open_dataset(scenes))
    trainer.save(tmp_path / "checkpoint.pt")
    request = ScoreRequest(
        checkpoint=str(tmp_path / "checkpoint.pt"),
        dataset=str(scenes),
        split="tune",
        purpose="test",
    )
    worker = ScoringWorker()
    with monkeypatch.context() as patched:
        patched.setattr(ToCo, "forward", no_memory)
        with pytest.raises(MemoryError, match="--scorer-gpus 1"):
            worker.run_chunk(request, range(4))
    assert worker.run_chunk(request, range(4)).chunk.masks_opened == 4  # the next one is scored


@pytest.mark.parametrize(
    ("changes", "workers", "expected"),
    [
        (
            {"data__images_per_step": 4},
            1,
            ["compute.recompute_blocks=true", "compute.parts=2", "data.images_per_step=2"],
        ),
        ({"data__images_per_step": 1, "compute__recompute_blocks": True}, 1, []),
        ({"data__images_per_step": 6, "compute__parts": 2}, 2, 3),
    ],
)
def test_only_what_is_left_to_try_is_proposed(
    changes: dict[str, Any], workers: int, expected: list[str] | int
) -> None:
    ways = ways_to_less(small_recipe(**changes), workers)
    if isinstance(expected, int):
        assert f"compute.parts={expected}" in ways
    else:
        assert ways == expected


def test_where_nothing_is_left_the_crop_is_named() -> None:
    recipe = small_recipe(data__images_per_step=1, compute__recompute_blocks=True)
    assert "smaller data.crop_size" in out_of_memory(recipe)
