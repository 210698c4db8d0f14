"""Rows that are at hand, such as those of a test, to a dataset.

An interrupted writing leaves no dataset behind: ``dataset.json`` comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from pyarrow import fs

from toco_core.data.schema import (
    INFO_FILE,
    Colour,
    DatasetInfo,
    SplitInfo,
    default_palette,
    write_info,
)
from toco_core.data.shards import DEFAULT_SIZES, Row, ShardSizes, ShardWriter
from toco_core.data.storage import DatasetError, Location

__all__ = ["Row", "ShardSizes", "write_dataset", "write_split"]


class WrittenShard(Protocol):
    """What a shard says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def images(self) -> int: ...
    @property
    def masks(self) -> int: ...


def write_split(
    root: str | Path | Location,
    split: str,
    rows: Iterable[Row],
    num_classes: int,
    sizes: ShardSizes = DEFAULT_SIZES,
) -> SplitInfo:
    """Write the shards of one split, and return what ``dataset.json`` has to say of them.

    Raises:
        DatasetError: there is no row, a name twice, or a row does not fit the format.
    """
    location = Location.of(root)
    location.create()
    shards: list[ShardWriter] = []
    rows = _named_once(rows, f"{location}, split {split}")
    for first in rows:
        shards.append(ShardWriter(location, split, len(shards), num_classes, sizes))
        with shards[-1] as shard:
            for row in chain([first], islice(rows, sizes.shard_rows - 1)):
                shard.add(row)
    return split_info(location, split, shards)


def split_info(location: Location, split: str, shards: Iterable[WrittenShard]) -> SplitInfo:
    """Sum up the shards of a split, leaving out those without a row.

    Raises:
        DatasetError: all of them are.
    """
    filled = [shard for shard in shards if shard.images]
    if not filled:
        raise DatasetError(f"{location}: split {split} has no rows")
    return SplitInfo(
        images=sum(shard.images for shard in filled),
        masks=sum(shard.masks for shard in filled),
        shards=tuple(shard.name for shard in filled),
    )


def _named_once(rows: Iterable[Row], place: str) -> Iterator[Row]:
    names: set[str] = set()
    for row in rows:
        if row.name in names:
            raise DatasetError(f"{place}, row {row.name!r}: there are two rows of this name")
        names.add(row.name)
        yield row


def write_dataset(
    root: str | Path | Location,
    splits: Mapping[str, Iterable[Row]],
    *,
    class_names: Sequence[str],
    source: str,
    palette: Sequence[Colour] | None = None,
    overwrite: bool = False,
    sizes: ShardSizes = DEFAULT_SIZES,
) -> DatasetInfo:
    """Write a whole dataset.

    Args:
        root: its directory: a local path, a URI (``s3://bucket/voc``), or a resolved location.
        splits: the rows of each split, taken one at a time.
        class_names: C names, without background.
        source: where the images come from, for tables and the report.
        palette: C + 1 colours, background first; the PASCAL VOC colours by default.
        overwrite: replace a dataset that is there already.
        sizes: rows of a row group and of a shard.

    Raises:
        DatasetError: a dataset is there already, or a row does not fit the format.
    """
    location = Location.of(root)
    make_room(location, overwrite=overwrite)
    written = {
        split: write_split(location, split, rows, len(class_names), sizes)
        for split, rows in splits.items()
    }
    info = DatasetInfo(
        source=source,
        class_names=tuple(class_names),
        palette=tuple(palette or default_palette(len(class_names))),
        splits=written,
    )
    write_info(location, info)
    return info


def make_room(location: Location, *, overwrite: bool) -> None:
    """Remove the dataset of a place, if it may be.

    Raises:
        DatasetError: it may not.
    """
    if location.kind(INFO_FILE) is fs.FileType.NotFound:
        return
    if not overwrite:
        raise DatasetError(
            f"there is a dataset at {location} already, of another source or other options; choose "
            "another place, or replace it: --overwrite"
        )
    location.delete(INFO_FILE)  # first: half of each must not look like a dataset
