"""The training loop of a run, as each of its ranks goes through it."""

from __future__ import annotations

from dataclasses import dataclass

from platform.train.lead import Rank0, Report, StopRequested
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import latest_checkpoint, require_same_settings
from platform.workers.scorers import Scorer
from toco_core.data.reader import open_dataset
from toco_core.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a rank runs."""

    device: str = "cpu"
    rank: int = 0
    world_size: int = 1


def never() -> bool:
    """Ask no run to stop."""
    return False


def run(
    plan: RunPlan,
    place: Place,
    scorer: Scorer | None,
    report: Report,
    stop_requested: StopRequested = never,
) -> None:
    """Train a run from its last checkpoint, or from the start, to its end.

    Args:
        plan: what to train.
        place: which rank this is, and on which device.
        scorer: of rank 0, which alone saves and reports; None on the others, and where `plan`
            has no split to score on.
        report: takes the events of the run.
        stop_requested: is asked by rank 0 after each step.

    Raises:
        RunStopped: on rank 0, after `stop_requested`. The other ranks wait for it in their next
            step, until whoever started them all ends them.
        NonFiniteLossError: a loss became infinite or NaN; every rank raises it at the same step.
        ValueError: the recipe, the dataset or a checkpoint cannot be used.
    """
    trainer = _start(plan, place)
    if place.rank == 0:
        Rank0(plan, trainer, scorer, report, stop_requested).run()
    while not trainer.finished:
        trainer.step()


def _start(plan: RunPlan, place: Place) -> Trainer:
    checkpoint = latest_checkpoint(plan.checkpoints)
    if checkpoint is not None:
        require_same_settings(checkpoint, plan.recipe, plan.directory)
    return Trainer(
        plan.recipe,
        open_dataset(plan.dataset),
        device=place.device,
        rank=place.rank,
        world_size=place.world_size,
        num_workers=plan.num_workers,
        checkpoint=checkpoint,
    )
