"""What is gone or damaged in the directory of a search, made again from its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from platform.results.curves import read_curves
from platform.results.events import TrialEnded, TrialScored, TrialStarted
from platform.results.tables import (
    TRIALS_FILE,
    read_trials,
    set_damaged_aside,
    write_trials,
)
from platform.results.trial_rows import SCORE, TrialRow, best_of, fold_trial, told
from platform.search.live_trials import END_STATES, reason_of
from platform.search.report_file import REPORT_FILE, read_report
from platform.search.scores import value_of
from toco_core.files import set_aside


def repair(
    directory: Path, study: optuna.Study, iterations: int, maximised: str = SCORE
) -> list[str]:
    """Set damaged tables aside, and make the rows that `trials.parquet` lacks again.

    The study is the record: of what the tables add to it, only what is in a damaged file is lost.

    Args:
        directory: of the search.
        study: its record.
        iterations: of a whole trial.
        maximised: the field of a score that the search maximises.

    Returns:
        A line for each file that was damaged or gone.
    """
    lines = [*set_damaged_aside(directory), *_set_damaged_report_aside(directory)]
    begun = [t for t in study.get_trials(deepcopy=False) if t.state is not TrialState.WAITING]
    is_gone = bool(begun) and not (directory / TRIALS_FILE).exists()
    rows = {row.number: row for row in read_trials(directory)}
    missing = [trial for trial in begun if trial.number not in rows]
    if missing:
        scores = read_curves(directory)
        rows |= {trial.number: _row(trial, scores, iterations, maximised) for trial in missing}
        write_trials(directory, [rows[number] for number in sorted(rows)])
    if is_gone:
        lines.append(f"{directory / TRIALS_FILE} was gone: made again from the study")
    return lines


def _set_damaged_report_aside(directory: Path) -> list[str]:
    try:
        read_report(directory)
    except ValueError as error:
        aside = set_aside(directory / REPORT_FILE)
        return [f"{error}: set aside as {aside.name}; what it held is scored again"]
    return []


def _row(
    trial: FrozenTrial, scores: Sequence[Mapping[str, Any]], iterations: int, maximised: str
) -> TrialRow:
    """Return a trial as the events of its life would have left it."""
    began = _seconds(trial.datetime_start)
    row = TrialRow(number=trial.number, started=began)
    started = TrialStarted(number=trial.number, params=dict(trial.params))
    row = fold_trial(row, started, began, iterations, maximised)
    for score in scores:
        if score["number"] == trial.number:
            row = fold_trial(row, TrialScored(**score), began, iterations, maximised)
    for step, value in sorted(trial.intermediate_values.items()):
        if step > (row.scored_iteration or 0):  # no table has more of this score
            best = best_of(row.best_score, value)
            row = replace(row, iteration=step, scored_iteration=step, best_score=best)
            row = told(row, maximised, value)
    if not trial.state.is_finished():
        return replace(row, state="unfinished")
    if trial.state is TrialState.COMPLETE:  # whatever of its scores was lost
        best = best_of(row.best_score, value_of(trial))
        row = replace(row, iteration=iterations, best_score=best)
    ended = TrialEnded(
        number=trial.number,
        state=END_STATES[trial.state],
        score=None if trial.state is TrialState.FAIL else value_of(trial),
        reason=reason_of(trial),
    )
    return fold_trial(row, ended, _seconds(trial.datetime_complete), iterations, maximised)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
