"""Parquet tables of a search: `trials.parquet` has a row per trial, `curves.parquet` per score.

What its last scores counted image by image is kept with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from platform.results.counts import delete_counts, start_counts, write_counts
from platform.results.curves import (
    add_score,
    compact,
    curve_files,
    require_curves,
    start_curves,
)
from platform.results.events import (
    Event,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    TrialPlaced,
    TrialProgressed,
    TrialScored,
)
from platform.results.parquet_files import read_table, write_table
from platform.results.row_blocks import RowBlocks
from platform.results.search_state import Clock, SearchState, fold, from_rows
from platform.results.trial_columns import rows_to_table, table_to_rows
from platform.results.trial_rows import TrialRow
from toco_core.files import set_aside

TRIALS_FILE = "trials.parquet"


class TrialTables:
    """A sink that keeps both tables; at any moment each file is whole, the old one or the new."""

    def __init__(self, directory: Path, clock: Clock = time.time) -> None:
        self._directory = directory
        self._clock = clock
        self._state = SearchState()
        self._blocks = RowBlocks()

    def handle(self, event: Event) -> None:
        if isinstance(event, SearchStarted):
            self._open(resumed=event.resumed > 0)
        self._state = fold(self._state, event, self._clock())
        if isinstance(event, TrialScored):
            self._add_score(event)
        if isinstance(event, TrialEnded) and event.state != "complete":
            delete_counts(self._directory, event.number)
        if not isinstance(event, TrialPlaced | TrialProgressed):
            write_table(self._blocks.table(self._state.trials), self._directory / TRIALS_FILE)
        if isinstance(event, SearchEnded):
            compact(self._directory)

    def _add_score(self, event: TrialScored) -> None:
        stopped = any(
            row.number == event.number and row.state in ("pruned", "failed")
            for row in self._state.over
        )  # a score may come after the verdict
        if event.counts is not None and not stopped:
            # first: a score without its counts would not be missed
            write_counts(self._directory, event.number, event.counts)
        add_score(self._directory, event)

    def _open(self, *, resumed: bool) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if resumed:
            self._state = from_rows(read_trials(self._directory))
            compact(self._directory)
        else:
            start_curves(self._directory)
            start_counts(self._directory)


def set_damaged_aside(directory: Path) -> list[str]:
    """Rename the tables of a search or a run that cannot be read, so that it goes on without them.

    Returns:
        A line for each.
    """
    trials = _aside(directory / TRIALS_FILE, table_to_rows)
    curves = [_aside(path, require_curves) for path in curve_files(directory)]
    lost = "; times and masks that only it counted are lost"
    return [*([trials] if trials else []), *(line + lost for line in curves if line)]


def _aside(path: Path, check: Callable[[pa.Table], object]) -> str | None:
    """Rename a table that cannot be read, or lacks columns; return a line if it was so."""
    try:
        table = read_table(path)
        if table is not None:
            check(table)
    except ValueError as error:
        named = str(error) if str(path) in str(error) else f"{path}: {error}"
        return f"{named}: set aside as {set_aside(path).name}"
    return None


def write_trials(directory: Path, rows: Sequence[TrialRow]) -> None:
    """Write the trials of a search in place of the table that is there."""
    write_table(rows_to_table(rows), directory / TRIALS_FILE)


def read_trials(directory: Path) -> list[TrialRow]:
    """Read the trials of a search in the order of their numbers; none if there is no table yet.

    Raises:
        ValueError: If the file is not a table of trials.
    """
    table = read_table(directory / TRIALS_FILE)
    return [] if table is None else table_to_rows(table)
