"""Rows to one Parquet shard."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.data.images import DECODE_ERRORS, image_size
from toco_core.data.names import row_name_problem
from toco_core.data.schema import SCHEMA
from toco_core.data.storage import DatasetError, Location
from toco_core.messages import first_line


class ShardSizes(NamedTuple):
    """Rows that are read together, and rows of a file (rounded up to whole groups)."""

    rows_per_group: int = 64  # a shuffled row stays cheap, and a request to S3 worth its latency
    rows_per_shard: int = 4096  # about 400 MB of photographs

    @property
    def shard_rows(self) -> int:
        """Rows of a shard in whole groups."""
        return -(-self.rows_per_shard // self.rows_per_group) * self.rows_per_group


class Row(NamedTuple):
    """One image to write; its size is taken from its header."""

    name: str
    image: bytes  # JPEG or PNG
    labels: Sequence[int]  # classes present, 1..C
    mask: bytes | None = None  # PNG of labels


DEFAULT_SIZES = ShardSizes()


class ShardWriter:
    """Writes one shard, which appears when it is complete; without a row there is none."""

    def __init__(
        self,
        location: Location,
        split: str,
        index: int,
        num_classes: int,
        sizes: ShardSizes = DEFAULT_SIZES,
    ) -> None:
        self.name = shard_name(split, index)
        self.images = self.masks = 0
        self._location, self._split, self._num_classes = location, split, num_classes
        self._rows_per_group = sizes.rows_per_group
        self._pending: list[dict[str, object]] = []
        self._open = ExitStack()
        self._parquet: pq.ParquetWriter | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._open.__exit__(kind, error, trace)  # discards what was written of the shard
            return
        with self._open:
            self._flush()

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            DatasetError: a name that is none of a file, a label outside 1..C, no image, a mask of
                another size.
        """
        self._pending.append(self._checked(row))
        self.images += 1
        self.masks += row.mask is not None
        if len(self._pending) == self._rows_per_group:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._parquet is None:
            self._parquet = self._open_file()
        self._parquet.write_table(pa.Table.from_pylist(self._pending, schema=SCHEMA))
        self._pending.clear()

    def _open_file(self) -> pq.ParquetWriter:
        stream = self._open.enter_context(self._location.writing(self.name))
        # JPEG and PNG do not compress. The checksums find a damaged page.
        writer = pq.ParquetWriter(
            stream, SCHEMA, compression="none", use_dictionary=False, write_page_checksum=True
        )
        return self._open.enter_context(writer)

    def _checked(self, row: Row) -> dict[str, object]:
        place = f"{self._location}, split {self._split}, row {row.name!r}"
        if problem := row_name_problem(row.name):
            raise DatasetError(f"{self._location}, split {self._split}: {problem}")
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
        return dict(
            zip(SCHEMA.names, (row.name, row.image, height, width, labels, row.mask), strict=True)
        )


def shard_name(split: str, index: int) -> str:
    """Return the file name of a shard."""
    return f"{split}-{index:05d}.parquet"
