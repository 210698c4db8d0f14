"""Random access to the row groups of a split through one projection of its columns."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.data.schema import SCHEMA
from toco_core.data.storage import DatasetError, Location
from toco_core.messages import first_line


class Shard(NamedTuple):
    """A Parquet file and its footer, which is read once."""

    name: str
    footer: pq.FileMetaData


def read_shard(location: Location, name: str) -> Shard:
    """Read the footer of a shard.

    Raises:
        DatasetError: it is missing, truncated, not Parquet, or has other columns.
    """
    try:
        with location.filesystem.open_input_file(location.file(name)) as stream:
            footer = pq.read_metadata(stream)
    except FileNotFoundError as error:
        raise DatasetError(f"{location}: shard {name} is missing") from error
    except (pa.ArrowException, OSError) as error:
        raise corrupt_shard(location, name, error) from error
    if not footer.schema.to_arrow_schema().equals(SCHEMA):
        raise DatasetError(
            f"{location}: shard {name} does not have the columns {', '.join(SCHEMA.names)}"
        )
    return Shard(name, footer)


def corrupt_shard(location: Location, name: str, error: BaseException) -> DatasetError:
    """Return the error that names a shard which cannot be read."""
    return DatasetError(f"{location}: shard {name} is corrupt or unreadable: {first_line(error)}")


class _Group(NamedTuple):
    """A row group, and its columns in the form in which a single row is found fastest.

    Bytes stay where they are until they are asked for; the small values become Python's all at
    once, since one at a time they would cost as much as a checksum of the image.
    """

    table: pa.Table
    columns: tuple[Sequence[Any] | pa.Array, ...]

    @classmethod
    def of(cls, table: pa.Table) -> _Group:
        columns = (
            column.combine_chunks() if pa.types.is_binary(column.type) else column.to_pylist()
            for column in table.columns
        )
        return cls(table, tuple(columns))


class RowGroups:
    """Row groups of a split, read when first asked for and kept while they fit in memory.

    Files are opened for each reading and closed after it: there is nothing to reopen in another
    process, and a pickled copy carries neither files nor rows. The cache holds the most recently
    used row groups up to `cache_bytes`; a set smaller than that is read once.
    """

    def __init__(
        self, location: Location, shards: Sequence[Shard], columns: Sequence[str], cache_bytes: int
    ) -> None:
        self.columns = tuple(columns)
        self._location = location
        self._shards = tuple(shards)
        self._groups = [
            (shard, group) for shard in shards for group in range(shard.footer.num_row_groups)
        ]
        self.sizes = tuple(shard.footer.row_group(group).num_rows for shard, group in self._groups)
        self._ends = list(accumulate(self.sizes))
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[int, _Group] = OrderedDict()
        self._verified: set[int] = set()

    def __len__(self) -> int:
        return self._ends[-1]

    def __reduce__(self) -> tuple[type[RowGroups], tuple[object, ...]]:
        return RowGroups, (self._location, self._shards, self.columns, self._cache_bytes)

    @property
    def window(self) -> int:
        """How many row groups can be mixed while each is read once; no fewer than one.

        Half the cache: at the change from one window to the next, groups of both are in use.
        """
        return max(
            1, self._cache_bytes // 2 // max(self._size_in_bytes(*group) for group in self._groups)
        )

    @property
    def most_kept(self) -> int:
        """Bytes of rows that are in memory once all have been read."""
        return min(self._cache_bytes, sum(self._size_in_bytes(*group) for group in self._groups))

    def _size_in_bytes(self, shard: Shard, group: int) -> int:
        chunks = shard.footer.row_group(group)
        wanted = [chunks.column(index) for index in range(chunks.num_columns)]
        return sum(
            chunk.total_uncompressed_size for chunk in wanted if _top_level(chunk) in self.columns
        )

    def row(self, row: int) -> tuple[Any, ...]:
        """Return a row of the split as a value for each column."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is outside 0..{len(self) - 1}")
        group = bisect_right(self._ends, row)
        offset = row - (self._ends[group] - self.sizes[group])
        values = (column[offset] for column in self._group(group).columns)
        return tuple(value.as_py() if isinstance(value, pa.Scalar) else value for value in values)

    def table(self, group: int) -> pa.Table:
        """Return the columns of a row group."""
        return self._group(group).table

    def _group(self, group: int) -> _Group:
        if group in self._cache:
            self._cache.move_to_end(group)
        else:
            self._cache[group] = _Group.of(self._read(group))
            self._evict()
        return self._cache[group]

    def _evict(self) -> None:
        held = sum(group.table.nbytes for group in self._cache.values())
        while held > self._cache_bytes and len(self._cache) > 1:
            held -= self._cache.popitem(last=False)[1].table.nbytes

    def _read(self, group: int) -> pa.Table:
        shard, number = self._groups[group]
        try:
            with self._location.filesystem.open_input_file(
                self._location.file(shard.name)
            ) as stream:
                file = pq.ParquetFile(
                    stream,
                    metadata=shard.footer,
                    # Few large requests instead of many; on a local disk that is one copy more.
                    pre_buffer=not self._location.is_local,
                    # Once: it takes as long as all the rest, and every loading process reads
                    # every group in each epoch.
                    page_checksum_verification=group not in self._verified,
                )
                table = file.read_row_group(number, columns=list(self.columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise corrupt_shard(self._location, shard.name, error) from error
        assert tuple(table.column_names) == self.columns
        self._verified.add(group)
        return table.combine_chunks()


def _top_level(chunk: pq.ColumnChunkMetaData) -> str:
    return chunk.path_in_schema.split(".")[0]  # labels.list.element -> labels
