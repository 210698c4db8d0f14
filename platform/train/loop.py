"""The training loop of a run, as each of its ranks goes through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from platform.cluster.gpu_memory import GpuMemoryError, out_of_memory, release
from platform.results.events import WentBack
from platform.train.lead import Emit, MainRank, Stepped, StopRequested
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import find_resume_point, require_same_settings
from platform.workers.executor import Executor
from toco_core.checkpoint import Checkpoint
from toco_core.data.reader import open_dataset
from toco_core.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Which rank of a run this process is, and the device it computes on."""

    device: str = "cpu"
    index: int = 0
    world_size: int = 1


Start: TypeAlias = Callable[[RunPlan, Rank, Checkpoint | None], Stepped]


def never() -> bool:
    """Ask no run to stop."""
    return False


def run(
    plan: RunPlan,
    rank: Rank,
    executor: Executor | None,
    emit: Emit,
    stop_requested: StopRequested = never,
    start: Start | None = None,
) -> None:
    """Train a run from its last checkpoint, or from the start, to its end.

    Args:
        plan: what to train.
        rank: which rank this is, and on which device.
        executor: scores for the main rank, which alone saves and emits events; None on the
            others, and where `plan` has no split to score on.
        emit: takes the events of the run.
        stop_requested: is asked by the main rank after each step.
        start: builds what is trained; ToCo by default.

    Raises:
        RunStopped: on the main rank, after `stop_requested`. The other ranks wait for it in their
            next step, until whoever started them all ends them.
        NonFiniteLossError: a loss became infinite or NaN; every rank raises it at the same step.
        GpuMemoryError: the GPU's memory ran out; in one line with the way out. It is free again.
        ValueError: the recipe, the dataset or a checkpoint cannot be used.
    """
    try:
        return _run(plan, rank, executor, emit, stop_requested, start or _start)
    except torch.OutOfMemoryError as error:
        release(error)
    raise GpuMemoryError(out_of_memory(plan.recipe, rank.world_size))


def _run(
    plan: RunPlan,
    rank: Rank,
    executor: Executor | None,
    emit: Emit,
    stop_requested: StopRequested,
    start: Start,
) -> None:
    resume = find_resume_point(plan.checkpoints, plan.unscored)
    if resume.checkpoint is not None:
        require_same_settings(resume.checkpoint, plan.recipe, plan.directory)
    trainer = start(plan, rank, resume.checkpoint)
    if rank.index == 0:
        if resume.damage:
            emit(WentBack(iteration=resume.iteration, damage="; ".join(resume.damage)))
        MainRank(plan, trainer, executor, emit, stop_requested).run()
    while not trainer.finished:
        trainer.step()


def _start(plan: RunPlan, rank: Rank, checkpoint: Checkpoint | None) -> Trainer:
    return Trainer(
        plan.recipe,
        open_dataset(plan.dataset),
        device=rank.device,
        rank=rank.index,
        world_size=rank.world_size,
        num_workers=plan.num_workers,
        checkpoint=checkpoint,
    )
