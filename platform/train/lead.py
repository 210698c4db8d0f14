"""The main rank of a run: it saves checkpoints, asks for their scores, and emits the events."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from platform.results.events import Progressed, RunEvent, Scored
from platform.train.loss_log import LossLog
from platform.train.loss_means import Means
from platform.train.plan import SCORING_PURPOSE, RunPlan, score_points
from platform.train.prefix_writer import PrefixWriter
from platform.train.run_checkpoints import (
    checkpoint_path,
    forget_before,
    iteration_of,
    list_checkpoints,
)
from platform.workers.executor import Executor, Future
from platform.workers.requests import ScoreRequest
from platform.workers.results import EvaluationResult
from toco_core.remote_path import Place, RemotePath
from toco_core.scoring.cam_score import Score

PROGRESS_SECONDS = 2.0  # between two events of progress; each one costs the trial a few ms
SAVE_SECONDS = 600.0  # between two checkpoints at most: what a crash can cost
# What the driver records goes into an object store a few seconds later: if it dies meanwhile, the
# record there knows nothing of a score, which is then asked for again.
RECORD_SECONDS = 60.0

Emit = Callable[[RunEvent], None]
StopRequested = Callable[[], bool]


class Stepped(Protocol):
    """What is trained step by step: `toco_core.trainer.Trainer`, or that of a second stage."""

    iteration: int

    @property
    def finished(self) -> bool: ...

    def step(self) -> dict[str, float]: ...

    def save(self, path: str | Place) -> None: ...


class RunStopped(Exception):  # noqa: N818 - no error, like KeyboardInterrupt
    """A run was asked to stop, and has saved a checkpoint from which it can go on."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)
        self.iteration = iteration

    def __str__(self) -> str:
        return f"stopped at iteration {self.iteration}"


class MainRank:
    """The rank that saves checkpoints, asks for their scores, and emits the events of the run."""

    def __init__(
        self,
        plan: RunPlan,
        trainer: Stepped,
        executor: Executor | None,
        emit: Emit,
        stop_requested: StopRequested,
    ) -> None:
        assert (executor is None) == (plan.split is None), "who scores, and on what, go together"
        self._plan, self._trainer, self._executor = plan, trainer, executor
        self._emit, self._stop_requested = emit, stop_requested
        self._points = frozenset(score_points(plan.recipe))
        self._prefixes = PrefixWriter(plan)
        self._losses = Means()
        path = plan.loss_log
        self._log = None if path is None else LossLog(Path(path), trainer.iteration)
        self._pending: deque[tuple[int, Future[EvaluationResult[Score]]]] = deque()
        self._emitted: deque[tuple[int, float]] = deque()  # and when
        self._trained = self._trained_at_progress = self._trained_at_point = 0.0  # s
        self._seconds: dict[int, float] = {}  # of training, up to each point since the one before
        self._last_progress = self._last_save = time.monotonic()

    def run(self) -> None:
        self._ask_again()
        while not self._trainer.finished:
            began = time.monotonic()
            self._add(self._trainer.step())
            iteration = self._trainer.iteration
            at_point, is_wanted = iteration in self._points, self._prefixes.wants(iteration)
            stop = self._stop_requested()
            late = time.monotonic() - self._last_save >= SAVE_SECONDS
            if at_point or is_wanted or stop or late:
                self._save()
            self._trained += time.monotonic() - began  # a scorer in this process takes its own time
            self._progress(at_once=at_point or stop)
            if at_point:
                self._ask(iteration)
            self._emit_scores(wait=False)
            if stop and not self._trainer.finished:
                break
        if self._log is not None:
            self._log.flush()
        self._emit_scores(wait=True)
        if not self._trainer.finished:
            raise RunStopped(self._trainer.iteration)

    def _add(self, losses: Mapping[str, float]) -> None:
        self._losses.add(losses)
        if self._log is not None:
            self._log.add(self._trainer.iteration, losses)

    def _ask_again(self) -> None:
        """Ask for the scores that were lost with an earlier session of this run."""
        for path in list_checkpoints(self._plan.checkpoints):
            iteration = iteration_of(path)
            is_due = iteration <= self._trainer.iteration and iteration in self._points
            if is_due and iteration not in self._plan.scored:
                self._ask(iteration)

    def _save(self) -> None:
        iteration = self._trainer.iteration
        if self._log is not None:
            self._log.flush()  # before the checkpoint: a run that goes on from it has these steps
        path = checkpoint_path(self._plan.checkpoints, iteration)
        self._trainer.save(path)
        if isinstance(path, Path) and self._prefixes.wants(iteration):  # no object has two names
            self._prefixes.saved(path, iteration)
        self._last_save = time.monotonic()
        # Those of the score points stay until a later one has its score.
        keep = self._points if self._executor else frozenset()
        forget_before(self._plan.checkpoints, iteration, keep=keep)

    def _ask(self, iteration: int) -> None:
        if self._executor is None or self._plan.split is None:
            return
        self._seconds[iteration] = self._trained - self._trained_at_point
        self._trained_at_point = self._trained
        request = ScoreRequest(
            checkpoint=str(checkpoint_path(self._plan.checkpoints, iteration)),
            dataset=self._plan.dataset,
            split=self._plan.split,
            purpose=SCORING_PURPOSE,
            images=self._plan.recipe.scoring.images,
            pictures=self._plan.pictures,
            count_images=self._plan.count_images if self._is_last(iteration) else 0,
            masks=self._plan.masks,
        )
        self._pending.append((iteration, self._executor.submit(request)))

    def _is_last(self, iteration: int) -> bool:
        return iteration >= self._plan.recipe.iterations

    def _emit_scores(self, *, wait: bool) -> None:
        # Only from the front: a pruner that saw the second score first would pass over a rung.
        while self._pending and (wait or self._pending[0][1].done()):
            iteration, future = self._pending.popleft()
            seconds = self._seconds.pop(iteration)
            score = scored_event(iteration, seconds, future.result())
            self._prefixes.scored(score)
            self._emit(score)
            self._emitted.append((iteration, time.monotonic()))
            self._forget()

    def _forget(self) -> None:
        """Delete the checkpoints from before the last one whose score is surely on record."""
        checkpoints = self._plan.checkpoints
        grace = RECORD_SECONDS if isinstance(checkpoints, RemotePath) else 0.0
        while self._emitted and time.monotonic() - self._emitted[0][1] >= grace:
            iteration, _ = self._emitted.popleft()
            forget_before(checkpoints, iteration)

    def _progress(self, *, at_once: bool) -> None:
        now = time.monotonic()
        if not at_once and now - self._last_progress < PROGRESS_SECONDS:
            return
        seconds = self._trained - self._trained_at_progress
        self._last_progress, self._trained_at_progress = now, self._trained
        self._emit(
            Progressed(
                iteration=self._trainer.iteration,
                losses=self._losses.take(),
                seconds=seconds,
            )
        )


def scored_event(
    iteration: int, seconds_training: float, result: EvaluationResult[Score]
) -> Scored:
    """Return the event of a score; its curve is thinned to steps of 0.01."""
    score = result.score
    step = (len(score.final.miou) - 1) // 100
    return Scored(
        iteration=iteration,
        score=score.miou,
        aux_score=score.aux_miou,
        bkg=score.bkg,
        aux_bkg=score.aux_bkg,
        curve=score.final.miou[::step].tolist(),
        class_iou=score.final.class_iou(score.bkg).tolist(),
        f1=score.f1,
        token_similarity=list(score.token_similarity),
        agreement=score.agreement,
        unsupervised=score.unsupervised,
        seconds_training=seconds_training,
        seconds_scoring=result.seconds,
        mask_reads=score.masks_opened,
        pictures=result.pictures,
        counts=score.by_image,
    )
