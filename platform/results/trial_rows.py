"""One trial as the tables and the terminal know it: its events, folded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from platform.results.events import (
    SCORE_FIELDS,
    TrialBroken,
    TrialEnded,
    TrialEvent,
    TrialForked,
    TrialPlaced,
    TrialProgressed,
    TrialScored,
    TrialSilent,
    TrialStarted,
    TrialWentBack,
)
from platform.results.parameters import ParameterValue

SCORE = "score"
State: TypeAlias = Literal[
    "waiting", "running", "scoring", "unfinished", "complete", "pruned", "failed"
]


# The score itself is a field of the row: once the trial has ended, it is what the search was told.
LATEST = tuple(one.name for one in SCORE_FIELDS if one.per_trial == "latest" and one.name != SCORE)
TOTALS = tuple(one.name for one in SCORE_FIELDS if one.per_trial == "sum")


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """Where a trial stands.

    Attributes:
        state: waiting, for a machine; running; scoring, when only its last score is missing;
            unfinished, when it stopped with its search and comes back with it; or how it ended.
        first_iteration: where the present session of the trial began.
        score: the latest CAM mIoU, 0..1. Of what the search maximises, it or another number, it is
            what the search was told, once the trial has ended.
        best_score: the highest value of what the search maximises among its checkpoints.
        started: when the present session of the trial began, s since 1970.
        latest: the other numbers of the latest score, by the names of their fields.
        totals: what adds up over all its sessions, such as `mask_reads`, by the same names.
        reason: why it was pruned, has failed, or is unfinished after a fault.
        retries: how often it was begun again after a fault, all sessions together.
        machines_lost: how often a machine was lost with it.
        lost_iterations: those that were trained, lost with their process, and trained again.
        shared_iterations: the first ones, which an equal trial had trained; scores up to there are
            those of that trial.
        machine: where it ran last; kept in no table.
        step_seconds: what a step took lately; kept in no table.
    """

    number: int
    params: Mapping[str, ParameterValue] = field(default_factory=dict)
    state: State = "running"
    iteration: int = 0
    first_iteration: int = 0
    scored_iteration: int | None = None
    score: float | None = None
    best_score: float | None = None
    latest: Mapping[str, float] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(TOTALS, 0))
    started: float = 0.0
    ended: float | None = None
    reason: str = ""
    retries: int = 0
    machines_lost: int = 0
    lost_iterations: int = 0
    shared_iterations: int = 0
    machine: str = ""
    step_seconds: float | None = None

    def value(self, name: str) -> float | None:
        """Return the trial's number of a score's field, None before its first score."""
        return self.score if name == SCORE else {**self.totals, **self.latest}.get(name)

    @property
    def is_active(self) -> bool:
        """Whether the trial is in work: it runs, or waits for a machine or its last score."""
        return self.state in ("waiting", "running", "scoring")

    @property
    def is_over(self) -> bool:
        """Whether the trial has ended."""
        return self.ended is not None


def fold_trial(
    row: TrialRow, event: TrialEvent, now: float, iterations: int, maximised: str = SCORE
) -> TrialRow:
    """Return the trial after an event.

    Args:
        row: the trial before it.
        event: of this trial.
        now: s since 1970.
        iterations: budget of a trial. One that has trained them all only waits for its score.
        maximised: the field of a score that the search maximises.
    """
    match event:
        case TrialStarted():
            return _started(row, event, now)
        case TrialPlaced():
            return _placed(row, event, now)
        case TrialWentBack(iteration=iteration):
            return _gone_on_from(row, iteration, min(row.shared_iterations, iteration))
        case TrialForked(iteration=iteration):
            return _gone_on_from(row, iteration, iteration)
        case TrialProgressed():
            return row if row.is_over else _progressed(row, event, iterations)
        case TrialScored():
            return _scored(row, event, maximised)
        case TrialSilent():
            return row
        case TrialBroken():
            return _broken(row, event)
        case TrialEnded():
            row = replace(row, state=event.state, reason=event.reason, ended=now)
            return row if event.score is None else told(row, maximised, event.score)


def told(row: TrialRow, maximised: str, value: float) -> TrialRow:
    """Return the trial with what the search was told of the field that it maximises."""
    if maximised == SCORE:
        return replace(row, score=value)
    return replace(row, latest={**row.latest, maximised: value})


def _started(row: TrialRow, event: TrialStarted, now: float) -> TrialRow:
    return replace(
        row,
        params=dict(event.params),
        state="waiting" if event.waiting else "running",
        iteration=event.iteration,
        first_iteration=event.iteration,
        lost_iterations=_lost(row, event.iteration),
        started=now,
        ended=None,
        reason="",
        step_seconds=None,
    )


def _placed(row: TrialRow, event: TrialPlaced, now: float) -> TrialRow:
    row = replace(row, machine=event.machine or row.machine)
    if row.state != "waiting":
        return row
    # The time without a machine says nothing about the pace.
    return replace(row, state="running", started=now)


def _progressed(row: TrialRow, event: TrialProgressed, iterations: int) -> TrialRow:
    steps = event.iteration - row.iteration
    return replace(
        row,
        iteration=event.iteration,
        state="scoring" if event.iteration >= iterations else "running",
        step_seconds=event.seconds / steps if steps > 0 else row.step_seconds,
    )


def _gone_on_from(row: TrialRow, iteration: int, shared: int) -> TrialRow:
    return replace(
        row,
        iteration=iteration,
        first_iteration=iteration,
        lost_iterations=_lost(row, iteration),
        shared_iterations=shared,
    )


def _lost(row: TrialRow, iteration: int) -> int:
    """Add up what is lost where a trial goes on from an iteration; what was shared is not its."""
    return row.lost_iterations + max(row.iteration - max(iteration, row.shared_iterations), 0)


def _broken(row: TrialRow, event: TrialBroken) -> TrialRow:
    return replace(
        row,
        state="unfinished",
        reason=f"{event.cause} (on {event.machine})" if event.machine else event.cause,
        retries=row.retries + event.goes_on,
        machines_lost=row.machines_lost + event.machine_lost,
    )


def _scored(row: TrialRow, event: TrialScored, maximised: str) -> TrialRow:
    row = replace(
        row,
        iteration=max(row.iteration, event.iteration),
        best_score=best_of(row.best_score, getattr(event, maximised)),
        totals={name: row.totals[name] + getattr(event, name) for name in TOTALS},
    )
    # Evaluation workers may finish out of order: an older checkpoint is not the latest score.
    if row.is_over or event.iteration < (row.scored_iteration or 0):
        return row
    return replace(
        row,
        scored_iteration=event.iteration,
        score=event.score,
        latest={name: getattr(event, name) for name in LATEST},
    )


def best_of(*scores: float | None) -> float | None:
    """Return the highest score; None and NaN are none."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    return max(known, default=None)
