"""Rows of one split to Parquet shards."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.data.images import DECODE_ERRORS, image_size
from toco_core.data.schema import SCHEMA, SplitInfo
from toco_core.data.storage import DatasetError, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from toco_core.data.storage import Location


class ShardSizes(NamedTuple):
    """Rows that are read together, and rows of a file (rounded up to whole groups)."""

    rows_per_group: int = 64  # a shuffled row stays cheap, and a request to S3 worth its latency
    rows_per_shard: int = 4096  # about 400 MB of photographs


class Row(NamedTuple):
    """One image to write; its size is taken from its header."""

    name: str
    image: bytes  # JPEG or PNG
    labels: Sequence[int]  # classes present, 1..C
    mask: bytes | None = None  # PNG of labels


DEFAULT_SIZES = ShardSizes()


class ShardWriter:
    """Writes the rows of one split into shards, each of which appears when it is complete."""

    def __init__(
        self, location: Location, split: str, num_classes: int, sizes: ShardSizes = DEFAULT_SIZES
    ) -> None:
        self._location, self._split, self._num_classes = location, split, num_classes
        self._sizes = sizes
        self._pending: list[dict[str, object]] = []
        self._names: set[str] = set()
        self._shards: list[str] = []
        self._masks = 0
        self._shard = ExitStack()
        self._parquet: pq.ParquetWriter | None = None
        self._rows_in_shard = 0

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._shard.__exit__(kind, error, trace)  # discards the shard that was being written
            return
        with self._shard:
            self._flush()

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            DatasetError: a name twice, a label outside 1..C, no image, a mask of another size.
        """
        self._pending.append(self._checked(row))
        self._masks += row.mask is not None
        if len(self._pending) == self._sizes.rows_per_group:
            self._flush()

    def summary(self) -> SplitInfo:
        """Return what was written, after the end of the `with` block; nothing is an error."""
        if not self._names:
            raise DatasetError(f"{self._location}: split {self._split} has no rows")
        return SplitInfo(images=len(self._names), masks=self._masks, shards=tuple(self._shards))

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._parquet is None:
            self._parquet = self._open_shard()
        self._parquet.write_table(pa.Table.from_pylist(self._pending, schema=SCHEMA))
        self._rows_in_shard += len(self._pending)
        self._pending.clear()
        if self._rows_in_shard >= self._sizes.rows_per_shard:
            self._shard.close()
            self._parquet = None

    def _open_shard(self) -> pq.ParquetWriter:
        name = f"{self._split}-{len(self._shards):05d}.parquet"
        stream = self._shard.enter_context(self._location.writing(name))
        # JPEG and PNG do not compress. The checksums find a damaged page.
        writer = pq.ParquetWriter(
            stream, SCHEMA, compression="none", use_dictionary=False, write_page_checksum=True
        )
        self._shards.append(name)
        self._rows_in_shard = 0
        return self._shard.enter_context(writer)

    def _checked(self, row: Row) -> dict[str, object]:
        place = f"{self._location}, split {self._split}, row {row.name!r}"
        if row.name in self._names:
            raise DatasetError(f"{place}: there are two rows of this name")
        labels = sorted(set(row.labels))
        if labels and not 1 <= labels[0] <= labels[-1] <= self._num_classes:
            raise DatasetError(f"{place}: labels {labels} are not all in 1..{self._num_classes}")
        try:
            height, width = image_size(row.image)
            mask_size = (height, width) if row.mask is None else image_size(row.mask)
        except DECODE_ERRORS as error:
            raise DatasetError(f"{place}: not an image: {first_line(error)}") from error
        if mask_size != (height, width):
            raise DatasetError(f"{place}: the mask is {mask_size} px, the image {height, width}")
        self._names.add(row.name)
        return dict(
            zip(SCHEMA.names, (row.name, row.image, height, width, labels, row.mask), strict=True)
        )
