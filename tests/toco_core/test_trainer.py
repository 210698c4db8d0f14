from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.toco_core.small_run import small_dataset, small_recipe
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import ParquetDataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.trainer import Trainer


@pytest.fixture
def dataset(tmp_path: Path) -> ParquetDataset:
    return small_dataset(tmp_path / "noise")


def run(trainer: Trainer, steps: int) -> list[dict[str, float]]:
    return [trainer.step() for _ in range(steps)]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


# Interrupted in the warm-up, before and after the segmentation stage begins, and at the end.
@pytest.mark.parametrize("stop", [1, 3, 5])
@pytest.mark.parametrize("drop_path", [0.0, 0.3])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    dataset: ParquetDataset, tmp_path: Path, drop_path: float, stop: int
) -> None:
    recipe = small_recipe(
        iterations=6,
        optimiser__warmup=2,
        optimiser__freeze=2,
        optimiser__decoder_lr_factor=3.0,
        stages__segmentation=3,
        backbone__drop_path=drop_path,
    )
    whole = Trainer(recipe, dataset)
    expected = run(whole, 6)
    interrupted = Trainer(recipe, dataset)
    run(interrupted, stop)
    interrupted.save(tmp_path / "run.pt")
    torch.manual_seed(99)  # another process has other global generators
    resumed = Trainer.resume(tmp_path / "run.pt", dataset)
    assert resumed.iteration == stop
    assert run(resumed, 6 - stop) == expected[stop:]
    assert equal(weights(resumed), weights(whole))
    assert resumed.finished


def test_saving_does_not_disturb_the_run(dataset: ParquetDataset, tmp_path: Path) -> None:
    quiet, saving = (Trainer(small_recipe(), dataset) for _ in range(2))
    expected = run(quiet, 3)
    losses = []
    for step in range(3):
        losses += run(saving, 1)
        saving.save(tmp_path / f"{step}.pt")
    assert losses == expected


def test_all_global_generators_are_restored(dataset: ParquetDataset, tmp_path: Path) -> None:
    def draws() -> tuple[float, ...]:
        return random.random(), float(np.random.rand()), torch.rand(()).item()  # noqa: NPY002

    Trainer(small_recipe(), dataset).save(tmp_path / "run.pt")
    expected = draws()
    draws()
    Trainer.resume(tmp_path / "run.pt", dataset)
    assert draws() == expected


def test_a_step_leaves_the_global_generator_alone(dataset: ParquetDataset) -> None:
    trainer = Trainer(small_recipe(backbone__drop_path=0.3), dataset)
    before = torch.get_rng_state()
    trainer.step()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_encoder_learns_at_its_rate_and_the_heads_ten_times_as_fast(
    dataset: ParquetDataset,
) -> None:
    trainer = Trainer(small_recipe(optimiser__warmup=0), dataset)
    encoder, *heads = trainer.optimiser.param_groups
    assert trainer.learning_rate == encoder["lr"] == 1e-3
    assert [head["lr"] for head in heads] == [1e-2] * 3
    trained = sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad)
    in_groups = [weight for group in (encoder, *heads) for weight in group["params"]]
    assert sum(weight.numel() for weight in in_groups) == trained


def test_each_head_may_have_a_rate_of_its_own(dataset: ParquetDataset) -> None:
    factors = {"classifier": 50.0, "decoder": 0.5, "projection": 2.0}
    named = {f"optimiser__{head}_lr_factor": factor for head, factor in factors.items()}
    trainer = Trainer(small_recipe(optimiser__warmup=0, **named), dataset)
    rates = {
        id(weight): group["lr"]
        for group in trainer.optimiser.param_groups
        for weight in group["params"]
    }
    model = trainer.model
    assert rates[id(model.classifier.weight)] == rates[id(model.aux_classifier.weight)] == 0.5
    assert {rates[id(w)] for w in model.decoder.parameters()} == {5e-3}
    assert {rates[id(w)] for w in model.projection.parameters()} == {2e-2}


def parts_that_moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}


def test_a_frozen_backbone_stays_as_it_is_and_its_heads_learn(dataset: ParquetDataset) -> None:
    heads = {"classifier", "aux_classifier", "decoder", "projection", "teacher_projection"}
    trainer = Trainer(small_recipe(optimiser__freeze=3, stages__segmentation=0), dataset)
    before = weights(trainer)
    run(trainer, 3)
    after = weights(trainer)
    assert parts_that_moved(before, after) == heads
    assert not any(p in trainer.optimiser.state for p in trainer.model.encoder.parameters())
    run(trainer, 1)
    assert parts_that_moved(after, weights(trainer)) == heads | {"encoder"}


def test_a_loss_that_is_not_finite_stops_before_the_weights_change(
    dataset: ParquetDataset,
) -> None:
    trainer = Trainer(small_recipe(), dataset)
    trainer.step()
    with torch.no_grad():
        trainer.model.classifier.weight[0, 0] = torch.nan
    before = weights(trainer)["decoder.conv6.weight"]
    with pytest.raises(NonFiniteLossError, match="iteration 1: cls = nan"):
        trainer.step()
    assert torch.equal(weights(trainer)["decoder.conv6.weight"], before)
    assert trainer.iteration == 1


def test_other_classes_than_the_checkpoint_s_are_refused(
    dataset: ParquetDataset, tmp_path: Path
) -> None:
    Trainer(small_recipe(), dataset).save(tmp_path / "run.pt")
    other = small_dataset(tmp_path / "other", class_names=("car", "cat", "cow"))
    with pytest.raises(ValueError, match="bird, boat, bus are not those of the dataset: car"):
        Trainer.resume(tmp_path / "run.pt", other)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"weights__ptc": 0.3}, True),
        ({"iterations": 9}, True),
        ({"scoring__images": 2}, True),  # its scores would not be comparable
        ({"name": "other", "scoring__scores": 2, "thresholds__bkg": 0.4}, False),
    ],
)
def test_going_on_with_another_recipe_is_refused_if_it_changes_the_steps(
    dataset: ParquetDataset, tmp_path: Path, changes: dict[str, Any], refused: bool
) -> None:
    Trainer(small_recipe(), dataset).save(tmp_path / "run.pt")
    checkpoint = load_checkpoint(tmp_path / "run.pt")
    if not refused:
        Trainer(small_recipe(**changes), dataset, checkpoint=checkpoint)
        return
    key = next(iter(changes)).replace("__", ".")
    with pytest.raises(ValueError, match=rf"another recipe: {key} \(was"):
        Trainer(small_recipe(**changes), dataset, checkpoint=checkpoint)


def test_training_opens_no_mask(dataset: ParquetDataset) -> None:
    run(Trainer(small_recipe(), dataset), 2)
    assert dataset.ledger.total() == 0


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_memory_stays_flat_over_five_hundred_steps(dataset: ParquetDataset) -> None:
    trainer = Trainer(small_recipe(iterations=500, optimiser__lr=1e-5), dataset)
    resident: list[float] = []
    while not trainer.finished:
        trainer.step()
        if trainer.iteration % 100 == 0:
            resident.append(_resident_megabytes())
    assert resident[-1] - resident[0] < 20, resident


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
