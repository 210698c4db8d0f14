"""When a search will end, from the pace of its trials and how many run at once."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from platform.results.search_state import SearchState
from platform.results.trial_rows import TrialRow

# Less of a trial than this says more about its start-up than about its pace.
LEAST_SHARE = 0.05


class Pace(NamedTuple):
    """A time span of trials, and the iterations trained in it."""

    seconds: float
    iterations: float


def seconds_left(
    pace: Pace, running: Sequence[float], waiting: int, iterations_each: float, slots: int
) -> float | None:
    """Expect how long the rest of a search takes when a free slot takes the next trial at once.

    Args:
        pace: measured over trials that ended, or over the running ones.
        running: iterations that each running trial has to go.
        waiting: trials that have not begun.
        iterations_each: what a waiting trial is expected to train; pruned ones train less.
        slots: trials that run at once, at least 1.

    Returns:
        s, or None where the pace is not known.
    """
    if pace.iterations <= 0:
        return None
    each = pace.seconds / pace.iterations
    free_at = [each * iterations for iterations in running]
    free_at += [0.0] * (slots - len(free_at))
    heapq.heapify(free_at)
    for _ in range(waiting):
        heapq.heapreplace(free_at, free_at[0] + each * iterations_each)
    return max(free_at, default=0.0)


def search_seconds_left(state: SearchState, now: float) -> float | None:
    """Expect how long the search will still take, s; None while that is not known."""
    if state.search is None:
        return None
    budget = state.search.iterations
    over = [row for row in state.over if row.state != "failed"]
    return seconds_left(
        _pace(state, now),
        [max(budget - row.iteration, 0) for row in state.running],
        max(state.search.trials - len(state.over) - len(state.running), 0),
        sum(row.iteration for row in over) / len(over) if over else budget,
        state.slots,
    )


def _pace(state: SearchState, now: float) -> Pace:
    """Measure on trials that ended in this session; before the first, on the running ones."""
    ended = [row for row in state.over if row.started >= state.began and row.state != "failed"]
    spans = [_span(row, now) for row in ended or state.running]
    pace = Pace(sum(span.seconds for span in spans), sum(span.iterations for span in spans))
    budget = state.search.iterations if state.search else 0
    is_early = not ended and pace.iterations < LEAST_SHARE * budget
    return Pace(pace.seconds, 0) if is_early else pace


def _span(row: TrialRow, now: float) -> Pace:
    end = now if row.ended is None else row.ended
    return Pace(end - row.started, row.iteration - row.first_iteration)
