"""Events as single lines, for logs and pipes: one per score and per change of a trial's state."""

from __future__ import annotations

from collections.abc import Sequence

from platform.results.events import (
    Event,
    MachineStruckOff,
    SearchEnded,
    SearchStarted,
    TrialBroken,
    TrialEnded,
    TrialForked,
    TrialPlaced,
    TrialProgressed,
    TrialScored,
    TrialSilent,
    TrialStarted,
    TrialWentBack,
)
from platform.results.formats import clock_time, duration, percent
from platform.results.parameters import params_text
from platform.results.score_fields import ScoreField
from platform.results.search_state import SearchState


def plain_line(event: Event, state: SearchState, now: float) -> str | None:
    """Format an event as one line.

    Args:
        event: what has happened.
        state: the search after it.
        now: s since 1970; shown as local time.

    Returns:
        The line, or None where the event is worth none.
    """
    match event:
        case SearchStarted():
            text = _search_started(event)
        case TrialStarted():
            text = _trial_started(event, state)
        case TrialWentBack():
            text = _trial_went_back(event, state)
        case TrialForked():
            begun = f"goes on from {_reached(event.iteration, state)}, where an equal trial was"
            text = _joined(f"trial {event.number}", begun)
        case TrialScored():
            text = _trial_scored(event, state)
        case TrialSilent():
            text = f"trial {event.number}  silent for {duration(event.seconds)}"
        case TrialBroken():
            text = _trial_broken(event, state)
        case MachineStruckOff():
            text = f"machine {event.machine}  struck off: trials break on it ({event.cause})"
        case TrialEnded():
            text = _trial_ended(event, state)
        case SearchEnded():
            text = _search_ended(event, state)
        case TrialPlaced() | TrialProgressed():
            return None
    return f"{clock_time(now)}  {text}"


def is_repeated(event: Event, before: SearchState) -> bool:
    """Whether a score was there before: a trial that goes on from a checkpoint computes it again.

    Args:
        event: what has happened.
        before: the search before it.
    """
    if not isinstance(event, TrialScored) or event.number not in before.rows:
        return False
    return event.iteration <= (before.rows[event.number].scored_iteration or 0)


def best_text(state: SearchState) -> str:
    """Format the best score so far and whose it is; empty before the first."""
    best = state.best
    return "" if best is None else f"best {percent(best.best_score)} (trial {best.number})"


def counts_text(state: SearchState) -> str:
    """Format how many trials are done, and how many of them pruned or failed."""
    total = state.search.trials if state.search else len(state.rows)
    pruned, failed = state.count("pruned"), state.count("failed")
    return f"{len(state.over)} of {total} trials done, {pruned} pruned, {failed} failed"


def _search_started(event: SearchStarted) -> str:
    earlier = f", {event.resumed} of them from before" if event.resumed else ""
    return (
        f"search {event.name}: {event.trials} trials of {event.iterations} iterations{earlier}"
        f"  results in {event.directory}  log in {event.log_file}"
    )


def _trial_started(event: TrialStarted, state: SearchState) -> str:
    begun = f"resumed at {_reached(event.iteration, state)}" if event.iteration else "started"
    group = f"with {event.workers} workers" if event.workers else ""
    return _joined(f"trial {event.number}", begun, group, params_text(event.params))


def _trial_went_back(event: TrialWentBack, state: SearchState) -> str:
    trial = f"trial {event.number}"
    return _joined(trial, f"goes on from {_reached(event.iteration, state)}: {event.damage}")


def _trial_scored(event: TrialScored, state: SearchState) -> str:
    score = score_text(event, state.objective.brief)
    trial = f"trial {event.number}"
    return _joined(trial, _reached(event.iteration, state), score, best_text(state))


def score_text(event: TrialScored, fields: Sequence[ScoreField]) -> str:
    """Format numbers of a score: CAM mIoU 41.2 (aux 38.0, bkg 0.43)."""
    first, *others = (f"{one.heading} {one.text(getattr(event, one.name))}" for one in fields)
    return f"{first} ({', '.join(others)})"


def _trial_broken(event: TrialBroken, state: SearchState) -> str:
    what = "preempted" if event.preempted else "broken"
    where = f"{what} on {event.machine}" if event.machine else what
    return _joined(f"trial {event.number}", f"{where}: {event.cause}; {_goes_on(event, state)}")


def _goes_on(event: TrialBroken, state: SearchState) -> str:
    if not event.goes_on:
        return "left to the next session"
    begun = f"goes on from {_reached(event.iteration, state)}" if event.iteration else "starts anew"
    return f"{begun} (retry {event.retry} of {event.retries})" if event.retry else begun


def _trial_ended(event: TrialEnded, state: SearchState) -> str:
    row = state.rows[event.number]
    ended = f"{event.state} at {_reached(row.iteration, state)}"
    told = row.value(state.objective.field)
    score = "" if told is None else f"{state.objective.heading} {percent(told)}"
    return _joined(f"trial {event.number}", ended, score, event.reason)


def _search_ended(event: SearchEnded, state: SearchState) -> str:
    is_over = state.search is not None and len(state.over) >= state.search.trials
    how = "all trials ended" if is_over else "search stopped"
    if event.interrupted:
        how = "search interrupted"
    spent = "" if state.ended is None else f"after {duration(state.ended - state.began)}"
    return _joined(f"{how} {spent}", counts_text(state), best_text(state))


def _reached(iteration: int, state: SearchState) -> str:
    return f"{iteration}/{state.search.iterations}" if state.search else str(iteration)


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
