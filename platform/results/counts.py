"""What the last score of each trial counted, image by image: `counts/trial-0003.parquet`.

From them the choice among the trials can be made again by any of the masks, without training and
without the images. A trial that is trained again overwrites its own; one that does not reach its
end has none. A file's size is bounded, see `toco_core.scoring.image_counts`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from platform.results.parquet_files import read_table, write_table
from toco_core.scoring.image_counts import COARSE_BINS, ImageCounts

COUNTS_DIRECTORY = "counts"
_OUTCOMES = ("hit", "on_background", "miss")  # in the order of toco_core.scoring.threshold_grid
_BY_VALUE = pa.list_(pa.int32(), COARSE_BINS)
_SCHEMA = pa.schema(
    [
        pa.field("image", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("truth", pa.int32(), nullable=False),
        *(pa.field(name, _BY_VALUE, nullable=False) for name in _OUTCOMES),
    ]
)


def start_counts(directory: Path) -> None:
    """Begin without counts, whatever an earlier search of that directory has left."""
    shutil.rmtree(directory / COUNTS_DIRECTORY, ignore_errors=True)


def write_counts(directory: Path, number: int, counts: ImageCounts) -> None:
    """Write the counts of a trial in place of those that are there."""
    path = _path(directory, number)
    path.parent.mkdir(exist_ok=True)
    by_value = (_lists(counts.outcomes[:, i]) for i in range(len(_OUTCOMES)))
    columns = [pa.array(counts.image), pa.array(counts.label), pa.array(counts.truth), *by_value]
    sizes = {"images": str(counts.images), "classes": str(counts.classes)}
    table = pa.Table.from_arrays(columns, schema=_SCHEMA.with_metadata(sizes))
    write_table(table, path)


def delete_counts(directory: Path, number: int) -> None:
    """Delete the counts of a trial that came to no good end, if there are any."""
    _path(directory, number).unlink(missing_ok=True)


def read_counts(directory: Path, number: int) -> ImageCounts | None:
    """Read the counts of a trial; None where there are none.

    Raises:
        ValueError: the file is no table of counts, or a damaged one; names it.
    """
    path = _path(directory, number)
    table = read_table(path)
    if table is None:
        return None
    sizes = table.schema.metadata or {}
    if not table.schema.equals(_SCHEMA) or not {b"images", b"classes"} <= sizes.keys():
        raise ValueError(f"{path} is not a table of counts by image")
    image, label, truth = (table[name].to_numpy() for name in ("image", "label", "truth"))
    outcomes = [table[name].combine_chunks().flatten().to_numpy() for name in _OUTCOMES]
    return ImageCounts(
        images=int(sizes[b"images"]),
        classes=int(sizes[b"classes"]),
        image=image,
        label=label,
        truth=truth,
        outcomes=np.stack([one.reshape(-1, COARSE_BINS) for one in outcomes], axis=1),
    )


def _lists(values: np.ndarray) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, type=_BY_VALUE)


def _path(directory: Path, number: int) -> Path:
    return directory / COUNTS_DIRECTORY / f"trial-{number:04d}.parquet"
