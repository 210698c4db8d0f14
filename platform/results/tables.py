"""Parquet tables of a search: `trials.parquet` has a row per trial, `curves.parquet` per score."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from platform.results.events import Event, SearchStarted, TrialProgressed, TrialScored
from platform.results.search_state import Clock, SearchState, fold, from_rows
from platform.results.trial_columns import rows_to_table, table_to_rows
from platform.results.trial_rows import TrialRow
from toco_core.files import replacing

TRIALS_FILE = "trials.parquet"
CURVES_FILE = "curves.parquet"

CURVES_SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("iteration", pa.int64(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),  # mIoU and IoU: 0..1
        pa.field("aux_score", pa.float64(), nullable=False),
        pa.field("bkg", pa.float64(), nullable=False),
        pa.field("aux_bkg", pa.float64(), nullable=False),
        pa.field("curve", pa.list_(pa.float64()), nullable=False),  # at 0.00, 0.01 .. 1.00
        pa.field("class_iou", pa.list_(pa.float64()), nullable=False),  # NaN: absent
        pa.field("f1", pa.float64(), nullable=False),
        pa.field("token_similarity", pa.list_(pa.float64()), nullable=False),
        pa.field("seconds_training", pa.float64(), nullable=False),
        pa.field("seconds_scoring", pa.float64(), nullable=False),
        pa.field("mask_reads", pa.int64(), nullable=False),
    ]
)


class TrialTables:
    """A sink that keeps both tables; at any moment each file is whole, the old one or the new."""

    def __init__(self, directory: Path, clock: Clock = time.time) -> None:
        self._directory = directory
        self._clock = clock
        self._state = SearchState()
        self._curves: dict[tuple[int, int], dict[str, Any]] = {}  # by trial and iteration

    def handle(self, event: Event) -> None:
        if isinstance(event, SearchStarted):
            self._open(resumed=event.resumed > 0)
        self._state = fold(self._state, event, self._clock())
        if isinstance(event, TrialScored):
            self._curves[event.number, event.iteration] = curve_row(event)
            self._write(CURVES_FILE, curves_table(list(self._curves.values())))
        if not isinstance(event, TrialProgressed):
            self._write(TRIALS_FILE, rows_to_table(self._state.trials))

    def _open(self, *, resumed: bool) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if resumed:
            self._state = from_rows(read_trials(self._directory))
            earlier = read_curves(self._directory)
            self._curves = {(row["number"], row["iteration"]): row for row in earlier}
        self._write(CURVES_FILE, curves_table(list(self._curves.values())))

    def _write(self, name: str, table: pa.Table) -> None:
        with replacing(self._directory / name) as unfinished:
            pq.write_table(table, unfinished)


def curve_row(event: TrialScored) -> dict[str, Any]:
    """Return a score as a row of `curves.parquet`: all its fields but the pictures."""
    return {name: getattr(event, name) for name in CURVES_SCHEMA.names}


def curves_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the scores as a table, in the order of trial and iteration."""
    ordered = sorted(rows, key=lambda row: (row["number"], row["iteration"]))
    return pa.Table.from_pylist(list(ordered), schema=CURVES_SCHEMA)


def read_trials(directory: Path) -> list[TrialRow]:
    """Read the trials of a search in the order of their numbers; none if there is no table yet.

    Raises:
        ValueError: If the file is not a table of trials.
    """
    table = _read(directory / TRIALS_FILE)
    return [] if table is None else table_to_rows(table)


def read_curves(directory: Path) -> list[dict[str, Any]]:
    """Read the scores of a search, as rows of `CURVES_SCHEMA`; none if there is no table yet.

    Raises:
        ValueError: If the file is not a Parquet table.
    """
    table = _read(directory / CURVES_FILE)
    return [] if table is None else table.to_pylist()


def _read(path: Path) -> pa.Table | None:
    if not path.exists():
        return None
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} is not a Parquet table ({error}); remove it, and the search goes on without"
        ) from error
