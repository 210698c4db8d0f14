"""The scores of a search, a row each: parts while it runs, `curves.parquet` once it is over.

A score is written once, as a part of its own, so that what a search writes grows as its scores do.
When it ends, or goes on after a crash, the parts become rows of the one file that people read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from platform.results.events import SCORE_FIELDS, TrialScored
from platform.results.parquet_files import read_table, write_table
from platform.results.trial_columns import COLUMN_TYPES, YOUNGER_SCORES

CURVES_FILE = "curves.parquet"
PARTS_DIRECTORY = "curves.parts"
CURVES_SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("iteration", pa.int64(), nullable=False),
        *(pa.field(one.name, COLUMN_TYPES[one.kind], nullable=False) for one in SCORE_FIELDS),
    ]
)

_ABSENT = dict.fromkeys(YOUNGER_SCORES, math.nan)


def start_curves(directory: Path) -> None:
    """Begin without a score, whatever an earlier search of that directory has left."""
    _delete(_parts(directory))
    write_table(curves_table([]), directory / CURVES_FILE)


def add_score(directory: Path, event: TrialScored) -> None:
    """Write a score; one of the same trial and iteration is replaced."""
    parts = directory / PARTS_DIRECTORY
    parts.mkdir(exist_ok=True)
    name = f"trial-{event.number:04d}-{event.iteration:06d}.parquet"
    write_table(curves_table([curve_row(event)]), parts / name)


def compact(directory: Path) -> None:
    """Turn the parts into rows of the one file, which is there before they go."""
    parts = _parts(directory)
    if parts or not (directory / CURVES_FILE).exists():
        write_table(curves_table(read_curves(directory)), directory / CURVES_FILE)
        _delete(parts)


def curve_row(event: TrialScored) -> dict[str, Any]:
    """Return a score as a row of `curves.parquet`: all its fields but the pictures."""
    return {name: getattr(event, name) for name in CURVES_SCHEMA.names}


def curves_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the scores as a table, in the order of trial and iteration."""
    ordered = sorted(rows, key=lambda row: (row["number"], row["iteration"]))
    return pa.Table.from_pylist(list(ordered), schema=CURVES_SCHEMA)


def read_curves(directory: Path) -> list[dict[str, Any]]:
    """Read the scores of a search, as rows of `CURVES_SCHEMA`; none if there is no table yet.

    Raises:
        ValueError: a file is not a Parquet table.
    """
    tables = [read_table(path) for path in curve_files(directory)]
    rows = [_ABSENT | row for table in tables if table is not None for row in table.to_pylist()]
    # A score that is there twice was scored again: its part is the later one.
    latest = {(row["number"], row["iteration"]): row for row in rows}
    return [latest[key] for key in sorted(latest)]


def curve_files(directory: Path) -> list[Path]:
    """Return the files that hold scores, those that may be missing too; a later one is newer."""
    return [directory / CURVES_FILE, *_parts(directory)]


def require_curves(table: pa.Table) -> None:
    """Require the columns of a table of scores.

    Raises:
        ValueError: one is missing.
    """
    known = {*table.column_names, *YOUNGER_SCORES}
    missing = [name for name in CURVES_SCHEMA.names if name not in known]
    if missing:
        raise ValueError(f"not a table of scores: it has no column {', '.join(missing)}")


def _parts(directory: Path) -> list[Path]:
    return sorted((directory / PARTS_DIRECTORY).glob("trial-*.parquet"))


def _delete(parts: Sequence[Path]) -> None:
    for path in parts:
        path.unlink(missing_ok=True)
    if parts:
        parts[0].parent.rmdir()
