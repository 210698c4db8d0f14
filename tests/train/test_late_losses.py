"""A run whose losses are read one step late, as a GPU's are: what its loop logs and keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from platform.train.lead import RunStopped, StopRequested
from platform.train.loop import Rank, never, run
from platform.train.loss_log import LOSSES_FILE
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import list_checkpoints
from tests.train.short_run import Listener, final_checkpoint, same_state, short_plan
from toco_core.checkpoint import Checkpoint
from toco_core.data.reader import open_dataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.remote_path import Place
from toco_core.trainer import Trainer
from toco_core.training.loss_checks import CheckLate


def at_once(plan: RunPlan, rank: Rank, checkpoint: Checkpoint | None) -> Trainer:
    return Trainer(plan.recipe, open_dataset(plan.dataset), checkpoint=checkpoint)


def late(plan: RunPlan, rank: Rank, checkpoint: Checkpoint | None) -> Trainer:
    trainer = at_once(plan, rank, checkpoint)
    trainer._check = CheckLate(trainer.optimiser, trainer.device)
    return trainer


def plan_of(scenes: Path, directory: Path) -> RunPlan:
    plan = replace(short_plan(scenes, directory, scoring__scores=1, iterations=4), split=None)
    return replace(plan, loss_log=str(directory / LOSSES_FILE))


def train_late(plan: RunPlan, stop: StopRequested = never) -> None:
    run(plan, Rank(), None, Listener().events.append, stop, late)


def test_a_late_run_stopped_and_resumed_logs_and_keeps_what_a_plain_one_does(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, other = (plan_of(scenes, tmp_path / name) for name in ("plain", "late"))
    run(plain, Rank(), None, Listener().events.append, never, at_once)
    logged: list[tuple[int, int]] = []
    save = Trainer.save

    def after_a_look_at_the_log(trainer: Trainer, path: Place) -> None:
        logged.append((trainer.iteration, Path(str(other.loss_log)).read_text().count("\n")))
        save(trainer, path)

    monkeypatch.setattr(Trainer, "save", after_a_look_at_the_log)
    with pytest.raises(RunStopped, match="iteration 3"):
        train_late(other, Listener(stop_after=3).stop_requested)
    train_late(other)
    assert logged == [(3, 3), (4, 4)]  # a run that goes on from there has these steps
    logs = [Path(str(plan.loss_log)).read_text() for plan in (plain, other)]
    assert logs[0].count("\n") == 4
    assert logs[1] == logs[0]
    first, second = map(final_checkpoint, (plain, other))
    assert same_state(second.model, first.model)
    assert same_state(second.optimiser, first.optimiser)


def test_a_late_run_keeps_no_state_whose_losses_are_broken(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(scenes, tmp_path / "broken")
    advance = Trainer.advance

    def breaks(trainer: Trainer) -> object:
        if trainer.iteration == 3:  # the step before the checkpoint
            with torch.no_grad():
                trainer.model.classifier.weight[0, 0] = torch.nan
        return advance(trainer)

    monkeypatch.setattr(Trainer, "advance", breaks)
    with pytest.raises(NonFiniteLossError, match="iteration 3: cls = nan"):
        train_late(plan)
    assert list_checkpoints(plan.checkpoints) == []
