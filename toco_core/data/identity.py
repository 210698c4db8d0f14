"""What tells one dataset from another, wherever it lies and by whichever path it is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from pyarrow.parquet import ColumnChunkMetaData, FileMetaData

from toco_core.data.reader import ParquetDataset
from toco_core.data.schema import SCHEMA

_DIGITS = 12  # two datasets of a million agree in them with a chance of 1 in 500


def dataset_hash(dataset: ParquetDataset, splits: Iterable[str] | None = None) -> str:
    """Return a hash of what `dataset.json` says, and of the rows and bytes of some splits.

    No row is read and no mask opened: the footers of the shards count the bytes of each column of
    each row group, and hold the lowest and the highest value of the short ones. What is changed
    without any of them changing is not seen.

    Args:
        dataset: opened.
        splits: only of these; None for all.

    Raises:
        DatasetError: a split is not there, or one of its shards is missing or corrupt.
    """
    description = dataset.info.model_dump_json(exclude={"source", "skipped", "palette"})
    names = sorted(dataset.info.splits if splits is None else splits)
    rows = {name: list(map(_row_groups, dataset.split(name).footers)) for name in names}
    text = json.dumps([description, rows, SCHEMA.names])
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _row_groups(footer: FileMetaData) -> list[list[Any]]:
    groups = map(footer.row_group, range(footer.num_row_groups))
    return [
        [group.num_rows, *(_column(group.column(place)) for place in range(group.num_columns))]
        for group in groups
    ]


def _column(column: ColumnChunkMetaData) -> list[Any]:
    found = column.statistics
    ends = [repr(found.min), repr(found.max)] if found and found.has_min_max else []
    return [column.total_uncompressed_size, *ends]
