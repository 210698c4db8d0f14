"""The one writer of datasets.

An interrupted writing leaves no dataset behind: ``dataset.json`` comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import fs

from toco_core.data.schema import INFO_FILE, DatasetInfo, SplitInfo, default_palette, write_info
from toco_core.data.shards import DEFAULT_SIZES, Row, ShardSizes, ShardWriter
from toco_core.data.storage import DatasetError, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from toco_core.data.schema import Colour

__all__ = ["Row", "ShardSizes", "write_dataset", "write_split"]


def write_split(
    root: str | Path | Location,
    split: str,
    rows: Iterable[Row],
    num_classes: int,
    sizes: ShardSizes = DEFAULT_SIZES,
) -> SplitInfo:
    """Write the shards of one split, and return what ``dataset.json`` has to say of them."""
    location = Location.of(root)
    location.create()
    with ShardWriter(location, split, num_classes, sizes) as writer:
        for row in rows:
            writer.add(row)
    return writer.summary()


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
    _make_room(location, overwrite=overwrite)
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


def _make_room(location: Location, *, overwrite: bool) -> None:
    if location.kind(INFO_FILE) is fs.FileType.NotFound:
        return
    if not overwrite:
        raise DatasetError(
            f"there is a dataset at {location} already; choose another place or allow overwriting"
        )
    location.filesystem.delete_file(
        location.file(INFO_FILE)
    )  # first: half of each must not look like a dataset
