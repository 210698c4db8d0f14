"""The whole search at a moment: its trials, its best score, how much runs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from platform.results.events import (
    CAM_MIOU,
    Event,
    MachineStruckOff,
    SearchEnded,
    SearchStarted,
    TrialEvent,
    TrialStarted,
)
from platform.results.objectives import Objective, find_objective
from platform.results.trial_rows import State, TrialRow, fold_trial

Clock = Callable[[], float]  # s since 1970


@dataclass(frozen=True, kw_only=True)
class SearchState:
    """A search at a moment; immutable, so that another thread may draw it at any time.

    Attributes:
        rows: the trials by number.
        slots: most trials seen running at once.
        began: when this session began, s since 1970.
        struck: machines that were struck off in it.
    """

    search: SearchStarted | None = None
    rows: Mapping[int, TrialRow] = field(default_factory=dict)
    slots: int = 1
    began: float = 0.0
    ended: float | None = None
    interrupted: bool = False
    struck: tuple[MachineStruckOff, ...] = ()

    @property
    def trials(self) -> list[TrialRow]:
        """The trials, in the order of their numbers."""
        return [self.rows[number] for number in sorted(self.rows)]

    @property
    def running(self) -> list[TrialRow]:
        """The trials in work, in the order of their numbers."""
        return [row for row in self.trials if row.is_active]

    @property
    def scores_in_flight(self) -> int:
        """How many checkpoints wait for their score."""
        points = self.search.score_points if self.search else ()
        return sum(
            (row.scored_iteration or 0) < point <= row.iteration
            for row in self.running
            for point in points
        )

    @property
    def retries(self) -> int:
        """How often a trial was begun again after a fault."""
        return sum(row.retries for row in self.rows.values())

    @property
    def machines(self) -> list[str]:
        """Where the trials in work are, each machine once."""
        return sorted({row.machine for row in self.running if row.machine})

    @property
    def over(self) -> list[TrialRow]:
        """The trials that have ended, the latest last."""
        return sorted((row for row in self.trials if row.is_over), key=lambda row: row.ended or 0)

    @property
    def best(self) -> TrialRow | None:
        """The trial with the highest score so far; a failed one cannot win."""
        scored = [
            row for row in self.trials if row.state != "failed" and row.best_score is not None
        ]
        return max(scored, key=lambda row: row.best_score or 0.0, default=None)

    @property
    def objective(self) -> Objective:
        """What is maximised."""
        return find_objective(self.search.objective if self.search else CAM_MIOU)

    def count(self, state: State) -> int:
        """Return how many trials are in this state."""
        return sum(row.state == state for row in self.rows.values())


def from_rows(rows: Iterable[TrialRow]) -> SearchState:
    """Return the state that trials of earlier sessions leave; what had not ended is unfinished."""
    return SearchState(rows={row.number: _stopped(row) for row in rows})


def fold(state: SearchState, event: Event, now: float) -> SearchState:
    """Return the search after an event, which happened `now` (s since 1970)."""
    match event:
        case SearchStarted():
            return replace(state, search=event, began=now, ended=None)
        case SearchEnded():
            rows = {number: _stopped(row) for number, row in state.rows.items()}
            return replace(state, rows=rows, ended=now, interrupted=event.interrupted)
        case MachineStruckOff():
            return replace(state, struck=(*state.struck, event))
        case _:
            return _fold_trial(state, event, now)


def _fold_trial(state: SearchState, event: TrialEvent, now: float) -> SearchState:
    assert state.search is not None, "SearchStarted is the first event"
    row = state.rows.get(event.number, TrialRow(number=event.number, started=now))
    iterations, maximised = state.search.iterations, state.objective.field
    rows = {**state.rows, event.number: fold_trial(row, event, now, iterations, maximised)}
    if not isinstance(event, TrialStarted):  # no more run at once than before
        return replace(state, rows=rows)
    active = sum(row.is_active for row in rows.values())
    return replace(state, rows=rows, slots=max(state.slots, active))


def _stopped(row: TrialRow) -> TrialRow:
    return replace(row, state="unfinished") if row.is_active else row
