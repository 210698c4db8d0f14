"""A folder of images, a table of their labels, and masks for all of them, for some, or for none.

`train` is every image of the table that is not in `report`; `tune` and `report` share those with a
mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from toco_core.data.conversion.source import Source
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.files import read_part
from toco_core.data.sources.label_table import LabelledName, read_label_table
from toco_core.data.splitting import NO_SPLIT, Splitting, draw_splits
from toco_core.data.storage import DatasetError

# Most of the images are for training, with masks or without.
CONVENTION = Splitting(tune="masks:20%", report="masks:20%")
# In this order: beside a JPEG, the PNG of the same name is likely to be its mask.
SUFFIXES = (".jpg", ".jpeg", ".JPG", ".JPEG", ".png", ".PNG")
MOST_CLASSES = 254  # a mask has 8 bits: background, classes, and what does not count


class FolderEntry(NamedTuple):
    """An image of the table."""

    name: str
    path: str
    labels: tuple[str, ...]
    with_mask: bool


@dataclass(frozen=True, kw_only=True)
class FolderReader:
    """Reads images, and their masks, which have the same name."""

    images: Path
    masks: Path
    labels: Mapping[str, int]

    def __call__(self, entry: FolderEntry) -> Row:
        """Read an image, and its mask if it is wanted; may raise `RowError`."""
        foreign = [label for label in entry.labels if label not in self.labels]
        if foreign:
            raise RowError("label without a class", f"{foreign[0]!r} is no class")
        return Row(
            name=entry.name,
            image=read_part(self.images, entry.path),
            labels=[self.labels[label] for label in entry.labels],
            mask=read_part(self.masks, f"{entry.name}.png") if entry.with_mask else None,
        )


class FolderPlaces(NamedTuple):
    """Where the parts of a folder are."""

    images: Path
    table: Path
    masks: Path | None


def folder_source(
    places: FolderPlaces, classes: Sequence[str] = (), splitting: Splitting = CONVENTION
) -> Source:
    """List a folder of images.

    Args:
        places: of images, table and masks.
        classes: names in the order of their labels; by default those of the table, sorted.
        splitting: what `tune` and `report` take of the pool `masks`; without masks neither is
            there.

    Raises:
        DatasetError: a part is missing, the table is wrong, or the splitting asks for too much.
    """
    table = read_label_table(places.table, classes)
    class_names = _class_names(classes, table)
    files = _files(places.images)
    entries = _entries(places.table, table, files)
    masks = set() if places.masks is None else _files(places.masks)
    if not masks:
        splitting = Splitting(tune=NO_SPLIT, report=NO_SPLIT, seed=splitting.seed)
    pool = [name for name in entries if f"{name}.png" in masks]
    drawn = draw_splits({"masks": pool}, splitting)
    reported = set(drawn.get("report", ()))
    train = [entry for name, entry in entries.items() if name not in reported]
    masked = {
        split: [entries[name]._replace(with_mask=True) for name in names]
        for split, names in drawn.items()
    }
    return Source(
        description=f"folder {places.images.resolve().name}",
        class_names=class_names,
        splits={"train": train, **masked},
        read=FolderReader(
            images=places.images,
            masks=places.masks or places.images,
            labels={name: label for label, name in enumerate(class_names, start=1)},
        ),
        splitting=splitting,
        notes=(_note(entries, files, len(pool)),),
    )


def _class_names(classes: Sequence[str], table: Sequence[LabelledName]) -> tuple[str, ...]:
    names = tuple(classes) or tuple(sorted({label for line in table for label in line.labels}))
    if not 1 <= len(names) <= MOST_CLASSES:
        raise DatasetError(f"there are {len(names)} classes, not 1 to {MOST_CLASSES}")
    if len(set(names)) < len(names):
        raise DatasetError(f"the classes {', '.join(names)} are not each named once")
    return names


def _files(directory: Path) -> set[str]:
    """Return the files of a directory and of those in it, with their paths in it."""
    if not directory.is_dir():
        raise DatasetError(f"there is no directory {directory}")
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix() for path in found}


def _entries(place: Path, table: Sequence[LabelledName], files: set[str]) -> dict[str, FolderEntry]:
    entries: dict[str, FolderEntry] = {}
    for line in table:
        name = line.name.removesuffix(_suffix(line.name))
        if name in entries:
            raise DatasetError(f"{place} names {name!r} twice")
        entries[name] = FolderEntry(name, _image_file(line.name, files), line.labels, False)
    return entries


def _suffix(name: str) -> str:
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def _image_file(name: str, files: set[str]) -> str:
    """Return the file of an image that is named with or without its suffix."""
    candidates = [name, *(f"{name}{suffix}" for suffix in SUFFIXES)]
    return next((path for path in candidates if path in files), name)


def _note(entries: Mapping[str, FolderEntry], files: set[str], masks: int) -> str:
    images = sum(bool(_suffix(file)) for file in files)
    listed = sum(entry.path in files for entry in entries.values())
    return f"images with a mask: {masks}; images that are not in the table: {images - listed}"
