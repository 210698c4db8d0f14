"""A run on PartScenes that takes seconds: what its loop reports, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from platform.results.events import Progressed, RunEvent, Scored
from platform.train.loop import Rank, never, run
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import latest_checkpoint
from platform.workers.executor import LocalExecutor
from platform.workers.worker import ScoringWorker
from tests.toco_core.small_run import small_recipe
from toco_core.checkpoint import Checkpoint


def short_plan(scenes: Path, directory: Path, **changes: Any) -> RunPlan:
    """Return the plan of eight iterations with two scores; keys are those of `small_recipe`."""
    settings = {"scoring__scores": 2, "scoring__images": 16, **changes}
    directory.mkdir(parents=True, exist_ok=True)
    return RunPlan(
        recipe=small_recipe(**settings),
        dataset=str(scenes),
        split="tune",
        directory=str(directory),
        pictures=1,
    )


@dataclass
class Listener:
    """Notes the events of a run, and may ask it to stop after so many steps."""

    stop_after: int | None = None
    events: list[RunEvent] = field(default_factory=list)
    steps: int = 0

    def stop_requested(self) -> bool:
        self.steps += 1
        return self.steps == self.stop_after

    def train(self, plan: RunPlan) -> None:
        executor = None if plan.split is None else LocalExecutor(ScoringWorker())
        stop: Callable[[], bool] = self.stop_requested if self.stop_after else never
        run(plan, Rank(), executor, self.events.append, stop)

    @property
    def scores(self) -> dict[int, Scored]:
        """The scores by iteration, without the times, which differ from run to run."""
        scored = [event for event in self.events if isinstance(event, Scored)]
        return {
            event.iteration: replace(event, seconds_training=0.0, seconds_scoring=0.0)
            for event in scored
        }

    @property
    def progress(self) -> list[int]:
        """The iterations of which progress was reported."""
        return [event.iteration for event in self.events if isinstance(event, Progressed)]


def final_checkpoint(plan: RunPlan) -> Checkpoint:
    checkpoint = latest_checkpoint(plan.checkpoints)
    assert checkpoint is not None
    return checkpoint


def same_state(first: object, second: object) -> bool:
    """Compare nested containers of tensors and numbers, to the bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same_state(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        pairs = zip(first, second, strict=True)
        return len(first) == len(second) and all(same_state(*pair) for pair in pairs)
    return first == second
