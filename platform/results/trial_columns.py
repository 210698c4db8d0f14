"""Trials as columns: the schema of `trials.parquet`, and the way there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from platform.results.events import SCORE_FIELDS
from platform.results.parameters import ParameterValue
from platform.results.score_fields import Kind
from platform.results.trial_rows import LATEST, SCORE, TOTALS, TrialRow

PARAMETER_PREFIX = "params."  # a column for each parameter: params.weights.ptc
_MOMENT = pa.timestamp("ms", tz="UTC")

COLUMN_TYPES: dict[Kind, pa.DataType] = {
    "float": pa.float64(),
    "int": pa.int64(),
    "floats": pa.list_(pa.float64()),
}
FIELD_KINDS: dict[str, Kind] = {field.name: field.kind for field in SCORE_FIELDS}

FIRST_COLUMNS = (
    pa.field("number", pa.int64(), nullable=False),
    pa.field("state", pa.string(), nullable=False),
)
# The parameters stand between the two; one that a trial does not have is null.
LAST_COLUMNS = (
    pa.field("iteration", pa.int64(), nullable=False),
    pa.field("first_iteration", pa.int64(), nullable=False),
    pa.field("scored_iteration", pa.int64()),
    pa.field("best_score", pa.float64()),
    pa.field(SCORE, pa.float64()),  # mIoU: 0..1
    *(pa.field(name, COLUMN_TYPES[FIELD_KINDS[name]]) for name in LATEST),
    *(pa.field(name, COLUMN_TYPES[FIELD_KINDS[name]], nullable=False) for name in TOTALS),
    pa.field("started", _MOMENT, nullable=False),
    pa.field("ended", _MOMENT),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("retries", pa.int64(), nullable=False),
    pa.field("machines_lost", pa.int64(), nullable=False),
    pa.field("lost_iterations", pa.int64(), nullable=False),
    pa.field("shared_iterations", pa.int64(), nullable=False),
)
# What is younger than tables that may be read: no number there, or 0.
YOUNGER_SCORES = frozenset(one.name for one in SCORE_FIELDS if one.since > 1)
YOUNGER = YOUNGER_SCORES | {
    "retries",
    "machines_lost",
    "lost_iterations",
    "shared_iterations",
}
_IN_NO_COLUMN = ("params", "latest", "totals", "machine", "step_seconds")  # of that name


def trials_schema(rows: Sequence[TrialRow]) -> pa.Schema:
    """Return the schema of `trials.parquet` for these trials and the parameters they have."""
    values: dict[str, list[ParameterValue]] = {}
    for key, value in (item for row in rows for item in row.params.items()):
        values.setdefault(key, []).append(value)
    parameters = [
        pa.field(PARAMETER_PREFIX + key, column_type(column)) for key, column in values.items()
    ]
    return pa.schema([*FIRST_COLUMNS, *parameters, *LAST_COLUMNS])


def column_type(values: Sequence[ParameterValue]) -> pa.DataType:
    """Return the type of a parameter's column: the narrowest that holds all its values."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def rows_to_table(rows: Sequence[TrialRow], schema: pa.Schema | None = None) -> pa.Table:
    """Return the trials as a table; its schema may be that of more trials than these."""
    schema = schema or trials_schema(rows)
    return pa.Table.from_pylist([_to_record(row, schema) for row in rows], schema=schema)


def table_to_rows(table: pa.Table) -> list[TrialRow]:
    """Return the trials of a table that `rows_to_table` made.

    Raises:
        ValueError: If a column is missing.
    """
    known = {*table.column_names, *YOUNGER}
    needed = [column.name for column in (*FIRST_COLUMNS, *LAST_COLUMNS)]
    missing = [name for name in needed if name not in known]
    if missing:
        raise ValueError(f"not a table of trials: it has no column {', '.join(missing)}")
    return [_from_record(record) for record in table.to_pylist()]


def _to_record(row: TrialRow, schema: pa.Schema) -> dict[str, Any]:
    names = [one.name for one in fields(row) if one.name not in _IN_NO_COLUMN]
    record = {name: getattr(row, name) for name in names}
    record |= {**row.latest, **row.totals}
    for key, value in row.params.items():
        column = PARAMETER_PREFIX + key
        record[column] = str(value) if schema.field(column).type == pa.string() else value
    record["started"] = datetime.fromtimestamp(row.started, UTC)
    record["ended"] = None if row.ended is None else datetime.fromtimestamp(row.ended, UTC)
    return record


def _from_record(record: dict[str, Any]) -> TrialRow:
    params = {
        name.removeprefix(PARAMETER_PREFIX): record.pop(name)
        for name in list(record)
        if name.startswith(PARAMETER_PREFIX)
    }
    present = {key: value for key, value in params.items() if value is not None}
    ended = record.pop("ended")
    moments = {
        "started": record.pop("started").timestamp(),
        "ended": None if ended is None else ended.timestamp(),
    }
    latest = {name: record.pop(name, None) for name in LATEST}
    totals = {name: record.pop(name) for name in TOTALS}
    return TrialRow(
        params=present,
        latest={name: value for name, value in latest.items() if value is not None},
        totals=totals,
        **moments,
        **record,
    )
