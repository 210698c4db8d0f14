"""A run that forks off another one equals one trained from scratch, whatever differs and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from tests.toco_core.small_run import small_dataset, small_recipe
from tests.train.short_run import same_state
from toco_core.checkpoint import Checkpoint, load_checkpoint
from toco_core.data.reader import ParquetDataset
from toco_core.settings import Recipe
from toco_core.settings.effects import first_effect, same_until
from toco_core.settings.keys import setting_fields
from toco_core.settings.overrides import apply_overrides
from toco_core.trainer import Trainer

ITERATIONS = 5
# As on COCO: the segmentation first, on labels of the auxiliary CAM; and as on VOC: contrast first.
ORDERS = {
    "coco": {"segmentation": 2, "contrast": 3, "final_cam": 4},
    "voc": {"segmentation": 3, "contrast": 1, "final_cam": 0},
}
# Another value of every setting that is declared to have no part in the first steps.
GROUPS: dict[str, dict[str, Any]] = {
    "thresholds": {"thresholds.low": 0.1, "thresholds.high": 0.55},
    "weights of contrast": {"weights.ptc": 0.9, "weights.ctc": 0.2},
    "weights of segmentation": {"weights.seg": 0.7, "weights.energy": 0.6},
    "ctc": {
        "ctc.temperature": 0.1,
        "ctc.momentum": 0.1,
        "ctc.local_crops": 3,
        "ctc.local_size": 24,
        "ctc.negative_share": 0.9,
        "optimiser.projection_lr_factor": 3.0,
    },
    "refinement and decoder": {
        "cam.par_iterations": 6,
        "cam.par_dilations": (1, 4),
        "decoder.dilation": 2,
        "optimiser.decoder_lr_factor": 0.1,
    },
    "energy": {
        "energy.weight": 1e-3,
        "energy.sigma_rgb": 60.0,
        "energy.sigma_xy": 10.0,
        "energy.scale_factor": 1.0,
    },
    "contrast later": {"stages.contrast": 4},
    "segmentation later": {"stages.segmentation": 4},
    "final CAM later": {"stages.final_cam": 5},
}
NEVER_READ = {"thresholds.bkg": 0.2, "scoring.scores": 2, "name": "other"}


class Run(NamedTuple):
    losses: list[dict[str, float]]
    files: dict[int, Path]  # by iteration

    def at(self, iteration: int) -> Checkpoint:
        """Load a checkpoint anew: a trainer goes on in the tensors that it is given."""
        return load_checkpoint(self.files[iteration])


def base(order: str) -> Recipe:
    stages = {f"stages__{name}": value for name, value in ORDERS[order].items()}
    energy = {"weights__energy": 0.3, "energy__weight": 1e-2}  # it moves the network in a step
    return small_recipe(iterations=ITERATIONS, optimiser__warmup=1, **stages, **energy)


class Bench:
    """Trains runs on noise."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.saved = directory, 0
        self.dataset: ParquetDataset = small_dataset(directory / "noise")
        self.bases = {order: self.train(base(order), save=range(1, 6)) for order in ORDERS}

    def train(
        self, recipe: Recipe, start: Checkpoint | None = None, save: range = range(5, 6)
    ) -> Run:
        torch.manual_seed(77 if start else 3)  # of no part in a run
        trainer = Trainer(recipe, self.dataset, checkpoint=start)
        run = Run([], {})
        while not trainer.finished:
            run.losses.append(trainer.step())
            if trainer.iteration in save:
                self.saved += 1
                run.files[trainer.iteration] = self.directory / f"{self.saved}.pt"
                trainer.save(run.files[trainer.iteration])
        return run


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("forks"))


def state(checkpoint: Checkpoint) -> tuple[object, ...]:
    """Return all that a checkpoint holds but the global generators, from which no step draws."""
    one = checkpoint
    return one.recipe, one.iteration, one.model, one.optimiser, one.schedule, one.scaler


def test_there_is_a_case_for_every_setting_that_is_declared() -> None:
    declared = {
        key
        for key, field in setting_fields().items()
        if isinstance(field.json_schema_extra, dict)
        and {"read_by", "stage"} & field.json_schema_extra.keys()
    }
    assert declared == {key for group in GROUPS.values() for key in group} | NEVER_READ.keys()


@pytest.mark.parametrize(
    ("order", "group"),
    [*(("coco", name) for name in GROUPS), ("voc", "ctc")],
)
def test_a_forked_run_equals_one_from_scratch_to_the_bit(
    bench: Bench, order: str, group: str
) -> None:
    one, other = base(order), apply_overrides(base(order), GROUPS[group])
    fork = same_until(one, other)
    assert {first_effect(one, key) for key in GROUPS[group]} == {fork}
    of_one, of_other = bench.bases[order], bench.train(other)
    forked = bench.train(other, of_one.at(fork).forked(other))
    assert forked.losses == of_other.losses[fork:]
    assert same_state(state(forked.at(5)), state(of_other.at(5)))
    # no later fork would do: the next step is another one
    assert of_other.losses[:fork] == of_one.losses[:fork]
    assert not same_state(of_one.at(5).model, of_other.at(5).model)


def test_what_no_term_reads_changes_no_step(bench: Bench) -> None:
    other = apply_overrides(base("coco"), NEVER_READ)
    assert same_until(base("coco"), other) == ITERATIONS
    run = bench.train(other)
    assert run.losses == bench.bases["coco"].losses
    assert same_state(run.at(5).model, bench.bases["coco"].at(5).model)


def test_a_checkpoint_of_after_the_difference_is_no_fork(bench: Bench) -> None:
    other = apply_overrides(base("coco"), {"weights.ptc": 0.9})
    with pytest.raises(ValueError, match=r"iteration 4 is none of a run that differs .* 3 on"):
        bench.bases["coco"].at(4).forked(other)
