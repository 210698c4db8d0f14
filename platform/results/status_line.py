"""Where a search stands, in words: what runs, what waits for what, and how long it will take."""

from __future__ import annotations

from platform.results.estimate import search_seconds_left
from platform.results.formats import clock_time, duration
from platform.results.search_state import SearchState
from platform.results.trial_rows import TrialRow

MOST_TRIALS = 4  # named in one line


def status_line(state: SearchState, now: float) -> str:
    """Say in one line what runs, how far it is, what waits, and when the search is over.

    Args:
        state: the search.
        now: s since 1970.
    """
    return "; ".join([progress_text(state), *work_texts(state), expected_end(state, now)])


def progress_text(state: SearchState) -> str:
    """Name the trials that run, each with its iteration and the time of a step."""
    running = [row for row in state.running if row.state != "waiting"]
    total = state.search.trials if state.search else len(state.rows)
    parts = [f"{len(state.over)} of {total} trials done"]
    parts += [_trial(row, state) for row in running[:MOST_TRIALS]]
    more = len(running) - MOST_TRIALS
    return ", ".join([*parts, f"{more} more run"] if more > 0 else parts)


def work_texts(state: SearchState) -> list[str]:
    """Say what waits for what, on how many machines it runs, and what was retried."""
    waiting = [row for row in state.running if row.state == "waiting"]
    texts = [_waiting(len(waiting), state)] if waiting else []
    if state.scores_in_flight:
        texts.append(f"{_count(state.scores_in_flight, 'score')} in flight")
    if len(state.machines) > 1:
        texts.append(f"{len(state.machines)} machines")
    if state.retries:
        texts.append("1 retry" if state.retries == 1 else f"{state.retries} retries")
    return texts


def expected_end(state: SearchState, now: float) -> str:
    """Say when the search is expected to end, and how long that is from now."""
    left = search_seconds_left(state, now)
    if left is None:
        return "expected end not known yet"
    return f"expected end {clock_time(now + left)[:5]}, in {duration(left)}"


def _trial(row: TrialRow, state: SearchState) -> str:
    total = f"/{state.search.iterations}" if state.search else ""
    pace = "" if row.step_seconds is None else f" ({row.step_seconds:.2g} s a step)"
    return f"trial {row.number} at {row.iteration}{total}{pace}"


def _waiting(count: int, state: SearchState) -> str:
    needs = state.search.trial_needs if state.search else ""
    what = f"a machine with {needs}" if needs else "a machine"
    return f"{_count(count, 'trial')} wait{'s'[: count == 1]} for {what}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s'[: number != 1]}"
