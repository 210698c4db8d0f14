"""Parquet files that are whole at any moment, and a line that names one that is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.files import replacing


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in place of the file that is there."""
    with replacing(path) as unfinished:
        pq.write_table(table, unfinished)


def read_table(path: Path) -> pa.Table | None:
    """Read a table; None where there is no file.

    Raises:
        ValueError: the file is not a Parquet table.
    """
    if not path.exists():
        return None
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} is not a Parquet table ({error}); remove it, and the search goes on without"
        ) from error
