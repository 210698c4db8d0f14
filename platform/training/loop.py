"""The training loop of one rank: step, save, ask for scores, report. It does not know who listens."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from platform.results.events import Event, TrialProgressed, TrialScored
from platform.scoring.broker import ScoredCheckpoint
from platform.scoring.request import ScoreRequest
from platform.training.checkpoints import (
    checkpoint_path,
    forget_before,
    iteration_of,
    latest_checkpoint,
)
from platform.training.plan import RunPlan, score_points
from platform.training.scorers import Scorer

from toco_core.data.reader import open_dataset
from toco_core.trainer import Trainer

PROGRESS_SECONDS = 2.0  # between two reports of progress; each one costs the trial a few ms

Report = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a rank runs."""

    device: str = "cpu"
    rank: int = 0
    world_size: int = 1


def run(plan: RunPlan, place: Place, scorer: Scorer | None, report: Report) -> None:
    """Train a run from its last checkpoint, or from the start, to its end.

    Args:
        plan: what to train.
        place: which rank this is, and on which device.
        scorer: of rank 0, which alone saves and reports; None on the others.
        report: takes the events of the run.

    Raises:
        NonFiniteLossError: a loss became infinite or NaN; every rank raises it at the same step.
        ValueError: the recipe, the dataset or a checkpoint cannot be used.
    """
    trainer = _start(plan, place)
    if scorer is None:
        while not trainer.finished:
            trainer.step()
        return
    _Rank0(plan, trainer, scorer, report).run()


def _start(plan: RunPlan, place: Place) -> Trainer:
    checkpoint = latest_checkpoint(plan.checkpoints)
    if checkpoint is not None and checkpoint.recipe != plan.recipe:
        raise ValueError(
            f"{plan.directory} holds checkpoints of other settings: choose another name, or go "
            "back to those settings"
        )
    return Trainer(
        plan.recipe,
        open_dataset(plan.dataset),
        device=place.device,
        rank=place.rank,
        world_size=place.world_size,
        num_workers=plan.num_workers,
        checkpoint=checkpoint,
    )


class _Rank0:
    """The rank that saves checkpoints, asks for their scores, and reports."""

    def __init__(self, plan: RunPlan, trainer: Trainer, scorer: Scorer, report: Report) -> None:
        self._plan, self._trainer, self._scorer, self._report = plan, trainer, scorer, report
        self._points = frozenset(score_points(plan.recipe))
        self._losses = _Means()
        self._seconds: dict[
            int, float
        ] = {}  # of training, for each checkpoint since the one before
        self._mark = self._last_progress = time.monotonic()

    def run(self) -> None:
        if self._trainer.iteration in self._points:
            self._ask()  # resumed here: the answer may have been lost, and a second one is ignored
        while not self._trainer.finished:
            self._losses.add(self._trainer.step())
            if self._trainer.iteration in self._points:
                self._trainer.save(self._path())
                self._ask()
            self._forward(self._scorer.ready())
            self._progress()
        self._forward(self._scorer.wait())

    def _path(self) -> Path:
        return checkpoint_path(self._plan.checkpoints, self._trainer.iteration)

    def _ask(self) -> None:
        now = time.monotonic()
        self._seconds[self._trainer.iteration] = now - self._mark
        self._scorer.submit(
            ScoreRequest(
                checkpoint=str(self._path()),
                dataset=self._plan.dataset,
                split=self._plan.split,
                purpose="scores during training",
                images=self._plan.recipe.scoring.images,
                pictures=self._plan.pictures,
            )
        )
        self._mark = time.monotonic()  # a scorer in this process has taken its time in between

    def _forward(self, answers: list[ScoredCheckpoint]) -> None:
        for answer in answers:
            iteration = iteration_of(Path(answer.request.checkpoint))
            self._report(
                scored_event(self._plan.number, iteration, self._seconds[iteration], answer)
            )
            forget_before(self._plan.checkpoints, iteration)

    def _progress(self) -> None:
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_SECONDS or self._trainer.finished:
            seconds, self._last_progress = now - self._last_progress, now
            number, iteration = self._plan.number, self._trainer.iteration
            losses = self._losses.take()
            self._report(
                TrialProgressed(number=number, iteration=iteration, losses=losses, seconds=seconds)
            )


class _Means:
    """Means of the losses since they were last taken."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, losses: dict[str, float]) -> None:
        for name, value in losses.items():
            self._values[name].append(value)

    def take(self) -> dict[str, float]:
        means = {name: sum(values) / len(values) for name, values in self._values.items()}
        self._values.clear()
        return means


def scored_event(
    number: int, iteration: int, seconds_training: float, answer: ScoredCheckpoint
) -> TrialScored:
    """Return the event of a score; its curve is thinned to steps of 0.01."""
    score = answer.score
    step = (len(score.curve) - 1) // 100
    return TrialScored(
        number=number,
        iteration=iteration,
        score=score.miou,
        aux_score=score.aux_miou,
        bkg=score.bkg,
        aux_bkg=score.aux_bkg,
        curve=list(score.curve[::step]),
        class_iou=list(score.class_iou),
        f1=score.f1,
        token_similarity=list(score.token_similarity),
        seconds_training=seconds_training,
        seconds_scoring=answer.seconds,
        mask_reads=score.masks_opened,
        pictures=answer.pictures,
    )
