"""Where the time of a search went: by rung, by how trials ended, lost to faults, idle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from platform.report.figures.cost import time_unit
from platform.report.figures.drawing import Cell, Numbers
from platform.report.rungs import rungs
from platform.report.searched import ScoreRow, Searched
from platform.results.trial_rows import TrialRow

_TRAINING, _SCORING = "seconds_training", "seconds_scoring"
_ENDS = {"complete": "of it complete", "pruned": "of it stopped early", "failed": "of it failed"}


def time_table(searched: Searched) -> Numbers:
    """Return what training and scoring took, in hours or minutes."""
    rows: list[tuple[Cell, ...]] = [*_by_rung(searched)]
    rows.append(_sum("in all", searched.trials))
    for state, words in _ENDS.items():
        ended = [row for row in searched.trials if row.state == state]
        if ended:
            rows.append(_sum(words, ended))
    repeated = [row for row in searched.trials if row.lost_iterations]
    rows.append(("lost, trained again", len(repeated), lost_seconds(searched), None))
    rows.append(("idle, not training", *_idle(searched), None))
    name, unit = time_unit(sum(row.totals[_TRAINING] for row in searched.trials))
    return Numbers(
        columns=("what", "trials", f"training, {name}", f"scoring, {name}"),
        rows=[(*row[:2], *(_in(unit, seconds) for seconds in row[2:])) for row in rows],
        digits=2,
    )


def _in(unit: float, seconds: Cell) -> Cell:
    return seconds / unit if isinstance(seconds, (int, float)) else None


def lost_seconds(searched: Searched) -> float:
    """Return the time of the steps that were done, lost with their process, and done again."""
    pace = _step_seconds(searched.trials)
    return sum(row.lost_iterations * (_step_seconds([row]) or pace) for row in searched.trials)


def _by_rung(searched: Searched) -> Iterator[tuple[Cell, ...]]:
    """Yield what was spent between the iterations at which trials were stopped."""
    ends = [0, *(one.iteration for one in rungs(searched)), searched.recipe.iterations]
    for low, high in pairwise(sorted({*ends})):
        scores = [
            [row for row in rows if low < row["iteration"] <= high and row[_TRAINING] > 0]
            for rows in searched.scores.values()
        ]
        there = [rows for rows in scores if rows]
        seconds = (_seconds(there, name) for name in (_TRAINING, _SCORING))
        yield (f"iterations {low} to {high}", len(there), *seconds)


def _seconds(scores: Sequence[Sequence[ScoreRow]], name: str) -> float:
    return sum(row[name] for rows in scores for row in rows)


def _sum(words: str, trials: Sequence[TrialRow]) -> tuple[Cell, ...]:
    totals = (sum(row.totals[name] for row in trials) for name in (_TRAINING, _SCORING))
    return (words, len(trials), *totals)


def _idle(searched: Searched) -> tuple[int, float]:
    """Count trials of a single session, and the time between start and end without training.

    Of others nobody knows when their earlier sessions ended.
    """
    spans = [
        row.ended - row.started - row.totals[_TRAINING]
        for row in searched.trials
        if row.ended is not None and row.first_iteration == row.shared_iterations
    ]
    return len(spans), sum(max(span, 0.0) for span in spans)


def _step_seconds(trials: Sequence[TrialRow]) -> float:
    """Return what a step took on average; 0 where none is known."""
    steps = sum((row.scored_iteration or 0) - row.shared_iterations for row in trials)
    return sum(row.totals[_TRAINING] for row in trials) / steps if steps > 0 else 0.0
