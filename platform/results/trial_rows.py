"""One trial as the tables and the terminal know it: its events, folded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from platform.results.events import (
    ParameterValue,
    TrialEnded,
    TrialEvent,
    TrialProgressed,
    TrialScored,
    TrialStarted,
)

State: TypeAlias = Literal["running", "scoring", "unfinished", "complete", "pruned", "failed"]


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """Where a trial stands.

    Attributes:
        state: running; scoring, when only its last score is missing; unfinished, when it stopped
            with its search and comes back with it; or how it ended.
        first_iteration: where the present session of the trial began.
        score: the latest CAM mIoU, 0..1; once the trial has ended, what the search was told.
        best_score: the highest CAM mIoU of its checkpoints.
        started: when the present session of the trial began, s since 1970.
        seconds_training: over all its sessions; so are `seconds_scoring` and `mask_reads`.
    """

    number: int
    params: Mapping[str, ParameterValue] = field(default_factory=dict)
    state: State = "running"
    iteration: int = 0
    first_iteration: int = 0
    scored_iteration: int | None = None
    score: float | None = None
    best_score: float | None = None
    aux_score: float | None = None
    bkg: float | None = None
    f1: float | None = None
    seconds_training: float = 0.0
    seconds_scoring: float = 0.0
    mask_reads: int = 0
    started: float = 0.0
    ended: float | None = None
    reason: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the trial runs, or waits for its last score."""
        return self.state in ("running", "scoring")

    @property
    def is_over(self) -> bool:
        """Whether the trial has ended."""
        return self.ended is not None


def fold_trial(row: TrialRow, event: TrialEvent, now: float, iterations: int) -> TrialRow:
    """Return the trial after an event.

    Args:
        row: the trial before it.
        event: of this trial.
        now: s since 1970.
        iterations: budget of a trial. One that has trained them all only waits for its score.
    """
    match event:
        case TrialStarted():
            return _started(row, event, now)
        case TrialProgressed():
            state = "scoring" if event.iteration >= iterations else "running"
            return row if row.is_over else replace(row, iteration=event.iteration, state=state)
        case TrialScored():
            return _scored(row, event)
        case TrialEnded():
            score = row.score if event.score is None else event.score
            return replace(row, state=event.state, score=score, reason=event.reason, ended=now)


def _started(row: TrialRow, event: TrialStarted, now: float) -> TrialRow:
    return replace(
        row,
        params=dict(event.params),
        state="running",
        iteration=event.iteration,
        first_iteration=event.iteration,
        started=now,
        ended=None,
        reason="",
    )


def _scored(row: TrialRow, event: TrialScored) -> TrialRow:
    row = replace(
        row,
        iteration=max(row.iteration, event.iteration),
        best_score=best_of(row.best_score, event.score),
        seconds_training=row.seconds_training + event.seconds_training,
        seconds_scoring=row.seconds_scoring + event.seconds_scoring,
        mask_reads=row.mask_reads + event.mask_reads,
    )
    # Evaluation workers may finish out of order: an older checkpoint is not the latest score.
    if row.is_over or event.iteration < (row.scored_iteration or 0):
        return row
    return replace(
        row,
        scored_iteration=event.iteration,
        score=event.score,
        aux_score=event.aux_score,
        bkg=event.bkg,
        f1=event.f1,
    )


def best_of(*scores: float | None) -> float | None:
    """Return the highest score; None and NaN are none."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    return max(known, default=None)
