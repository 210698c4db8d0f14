"""The one reader of datasets. Masks have a method of their own, which counts each it opens.

torch is imported where a tensor is made: a command that only looks at a dataset starts at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from pyarrow import fs
from pyarrow.parquet import FileMetaData

from toco_core.data.images import DECODE_ERRORS, decode_image, decode_mask
from toco_core.data.ledger import MaskLedger
from toco_core.data.row_groups import RowGroups, Shard, read_shard
from toco_core.data.schema import IMAGE_COLUMNS, INFO_FILE, MASK_COLUMN, DatasetInfo, read_info
from toco_core.data.storage import DatasetError, Location
from toco_core.messages import first_line

if TYPE_CHECKING:
    from torch import Tensor

# For each reading process. Holds all of PartScenes; of VOC and COCO, the groups being shuffled.
CACHE_BYTES = 256 * 2**20
MASK_CACHE_BYTES = 32 * 2**20


class ImageRow(NamedTuple):
    """One row as training sees it."""

    name: str
    image: bytes
    height: int
    width: int
    labels: tuple[int, ...]  # classes present, 1..C


class ParquetSplit:
    """Rows of one split, by index.

    A pickled copy has an empty ledger: what another process opened is merged from its copy.
    """

    def __init__(
        self,
        location: Location,
        info: DatasetInfo,
        name: str,
        shards: Sequence[Shard],
        ledger: MaskLedger,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.location = location
        self.info = info
        self.name = name
        self.ledger = ledger
        self._shards = tuple(shards)
        self._cache_bytes = cache_bytes
        self._images = RowGroups(location, shards, IMAGE_COLUMNS, cache_bytes)
        self._masks = RowGroups(location, shards, (MASK_COLUMN,), MASK_CACHE_BYTES)

    def __len__(self) -> int:
        return len(self._images)

    def __reduce__(self) -> tuple[type[ParquetSplit], tuple[object, ...]]:
        return ParquetSplit, (
            self.location,
            self.info,
            self.name,
            self._shards,
            MaskLedger(),
            self._cache_bytes,
        )

    @property
    def group_sizes(self) -> tuple[int, ...]:
        """Rows of each row group: what is read from the disk at once."""
        return self._images.sizes

    @property
    def footers(self) -> list[FileMetaData]:
        """What the shards say of their row groups and columns."""
        return [shard.footer for shard in self._shards]

    @property
    def window(self) -> int:
        """Row groups whose rows can be shuffled together while each is read once an epoch."""
        return self._images.window

    @property
    def most_kept(self) -> int:
        """Bytes of images that a process which reads the split keeps in memory."""
        return self._images.most_kept

    def row(self, index: int) -> ImageRow:
        """Return a row of the split; its mask is not read."""
        name, image, height, width, labels = self._images.row(index)
        return ImageRow(name, image, height, width, tuple(labels))

    def image(self, row: ImageRow) -> Image.Image:
        """Decode the image of a row to RGB.

        Raises:
            DatasetError: the bytes are not an image; names the dataset, the split and the row.
        """
        try:
            return decode_image(row.image)
        except DECODE_ERRORS as error:
            raise self._broken("image", row.name, error) from error

    def class_labels(self, row: ImageRow) -> Tensor:
        """Return (C,) float, 1 for each class present in the row's image."""
        import torch

        present = [0.0] * self.info.num_classes
        for label in row.labels:
            present[label - 1] = 1.0
        return torch.tensor(present)  # one call of torch; several cost more than the loop

    def masks(self, indices: Iterable[int], *, purpose: str) -> list[Tensor]:
        """Open the masks of some rows and enter that in the ledger.

        Args:
            indices: rows of the split.
            purpose: what for, as the ledger shall show it.

        Returns:
            One (H, W) int64 tensor of labels 0..C and the ignore index for each row.

        Raises:
            DatasetError: a mask is missing, unreadable, of another size, or has foreign labels.
        """
        return [self._open_mask(index, purpose) for index in indices]

    def _open_mask(self, index: int, purpose: str) -> Tensor:
        (encoded,) = self._masks.row(index)
        self.ledger.record(self.name, purpose, 1)
        row = self.row(index)
        try:
            if encoded is None:
                raise ValueError("there is none")
            return _checked_mask(encoded, row, self.info)
        except DECODE_ERRORS as error:
            raise self._broken("mask", row.name, error) from error

    def _broken(self, what: str, row_name: str, error: Exception) -> DatasetError:
        place = f"{self.location}, split {self.name}, row {row_name!r}"
        return DatasetError(f"{place}: the {what} cannot be read: {first_line(error)}")


class ParquetDataset:
    """A dataset that exists; only its ``dataset.json`` is read until a split is asked for."""

    def __init__(self, location: Location, info: DatasetInfo, ledger: MaskLedger) -> None:
        self.location = location
        self.info = info
        self.ledger = ledger

    def __reduce__(self) -> tuple[type[ParquetDataset], tuple[object, ...]]:
        return ParquetDataset, (self.location, self.info, MaskLedger())

    def split(self, name: str, *, cache_bytes: int = CACHE_BYTES) -> ParquetSplit:
        """Open a split, which reads the footers of its shards.

        Args:
            name: of the split.
            cache_bytes: of rows that each reading process keeps, but no less than a row group.

        Raises:
            DatasetError: there is no such split, or one of its shards is missing or corrupt.
        """
        if name not in self.info.splits:
            close = difflib.get_close_matches(name, self.info.splits, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise DatasetError(
                f"{self.location}: no split {name!r}, only {', '.join(self.info.splits)}{hint}"
            )
        shards = [read_shard(self.location, shard) for shard in self.info.splits[name].shards]
        rows = sum(shard.footer.num_rows for shard in shards)
        if rows != self.info.splits[name].images:
            expected = self.info.splits[name].images
            raise DatasetError(
                f"{self.location}: split {name} has {rows} rows, {INFO_FILE} says {expected}"
            )
        return ParquetSplit(self.location, self.info, name, shards, self.ledger, cache_bytes)


def open_dataset(
    root: str | Path | Location, *, ledger: MaskLedger | None = None
) -> ParquetDataset:
    """Open a dataset for reading.

    Args:
        root: its directory: a local path, a URI (``s3://bucket/voc``), or a resolved location.
        ledger: where opened masks are counted; a new one by default.

    Raises:
        DatasetError: there is no dataset, or not one that this package can read.
    """
    location = Location.of(root)
    if location.kind() is not fs.FileType.Directory:
        raise DatasetError(f"no dataset at {location}: there is no such directory")
    if location.kind(INFO_FILE) is not fs.FileType.File:
        raise DatasetError(
            f"no dataset at {location}: no {INFO_FILE} in it; python -m platform.data writes one, "
            "and the same command goes on where a writing was interrupted"
        )
    return ParquetDataset(location, read_info(location), MaskLedger() if ledger is None else ledger)


def _checked_mask(encoded: bytes, row: ImageRow, info: DatasetInfo) -> Tensor:
    labels = decode_mask(encoded)
    if labels.shape != (row.height, row.width):
        raise ValueError(f"it is {labels.shape} px, the image {row.height, row.width}")
    foreign = labels[(labels > info.num_classes) & (labels != info.ignore_index)]
    if foreign.size:
        raise ValueError(
            f"label {foreign[0]} is neither 0..{info.num_classes} nor {info.ignore_index}"
        )
    import torch

    return torch.from_numpy(labels).long()
