"""Parquet files that are whole at any moment, and a line that names one that is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.files import replacing
from toco_core.messages import first_line


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in place of the file that is there."""
    with replacing(path) as unfinished:
        pq.write_table(table, unfinished, write_page_checksum=True)


def read_table(path: Path) -> pa.Table | None:
    """Read a table; None where there is no file.

    Raises:
        ValueError: the file is not a Parquet table.
    """
    if not path.exists():
        return None
    try:
        return pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # no fault of the content
            raise
        reason = first_line(error).replace(f"'{path}'", "it")
        raise ValueError(f"{path} is not a Parquet table, or a damaged one ({reason})") from error
