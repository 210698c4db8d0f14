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
from toco_core.data.schema import MOST_CLASSES
from toco_core.data.shards import Row
from toco_core.data.sources.class_names import require_plain_classes
from toco_core.data.sources.files import read_part
from toco_core.data.sources.folder_files import FolderFiles
from toco_core.data.sources.folder_images import (
    FolderEntry,
    find_image,
    list_images,
)
from toco_core.data.sources.folder_masks import Masks, match_masks
from toco_core.data.sources.folder_notes import file_notes, frequency_notes, heading_notes
from toco_core.data.sources.label_table import LabelTable, read_label_table
from toco_core.data.sources.mask_files import label_mask, require_one_class
from toco_core.data.splitting import NO_SPLIT, Splitting, draw_splits
from toco_core.data.storage import DatasetError
from toco_core.data.validation import validate_row
from toco_core.messages import shown

# Most of the images are for training, with masks or without.
CONVENTION = Splitting(tune="masks:20%", report="masks:20%")


@dataclass(frozen=True, kw_only=True)
class FolderReader:
    """Reads images, and their masks."""

    images: Path
    masks: Path
    labels: Mapping[str, int]
    foreground: int | None = None

    def __call__(self, entry: FolderEntry) -> Row:
        """Read an image, and its mask if it is wanted; may raise `RowError`."""
        foreign = [label for label in entry.labels if label not in self.labels]
        if foreign:
            raise RowError("label without a class", f"{shown(foreign[0])} is no class")
        row = Row(
            name=entry.name,
            image=read_part(self.images, entry.path),
            labels=[self.labels[label] for label in entry.labels],
            mask=None if entry.mask is None else self._mask(entry.mask),
        )
        if entry.unused_mask is not None:
            # Another share would have it: what is wrong with it is found now.
            validate_row(row._replace(mask=self._mask(entry.unused_mask)), len(self.labels))
        return row

    def _mask(self, path: str) -> bytes:
        return label_mask(read_part(self.masks, path), len(self.labels), self.foreground)


class FolderPlaces(NamedTuple):
    """Where the parts of a folder are."""

    images: Path
    table: Path
    masks: Path | None


def folder_source(
    places: FolderPlaces,
    classes: Sequence[str] = (),
    splitting: Splitting = CONVENTION,
    foreground: int | None = None,
) -> Source:
    """List a folder of images.

    Args:
        places: of images, table and masks.
        classes: names in the order of their labels; by default those of the table, sorted, or in
            the order of its columns where each has one.
        splitting: what `tune` and `report` take of the pool `masks`; without masks neither is
            there.
        foreground: the value in the masks that stands for the one class there is, if not 1.

    Raises:
        DatasetError: a part is missing, the table is wrong, or the splitting asks for too much.
    """
    files = FolderFiles(places.images)
    table = _read_table(places.table, classes, files)
    class_names = tuple(classes) or table.class_names
    require_one_class(foreground, class_names)
    entries = list_images(places.table, table.lines, files)
    masks = match_masks(places.masks, entries) if places.masks else Masks({}, ())
    splitting = _possible(splitting, masks, places)
    drawn = draw_splits({"masks": list(masks.of_image)}, splitting)
    used = {name for names in drawn.values() for name in names}
    return Source(
        description=f"folder {places.images.resolve().name}",
        class_names=class_names,
        splits=_splits(entries, masks, drawn),
        read=FolderReader(
            images=places.images,
            masks=places.masks or places.images,
            labels={name: label for label, name in enumerate(class_names, start=1)},
            foreground=foreground,
        ),
        splitting=splitting,
        notes=(
            *file_notes(entries.values(), files, masks, len(used)),
            *heading_notes(table),
            *frequency_notes([entry.labels for entry in entries.values()], class_names),
        ),
        has_mask_files=True,
        reading={} if foreground is None else {"foreground": foreground},
    )


def _read_table(path: Path, classes: Sequence[str], files: FolderFiles) -> LabelTable:
    if not path.exists():
        raise DatasetError(
            f"there is no table {path}: it has a line name,label,label for each image, and "
            "--labels names another; directories are not taken for classes"
        )
    table = read_label_table(path, classes, lambda name: find_image(files, name) is not None)
    require_plain_classes(path, table.class_names, classes)
    if not (classes or table.class_names):
        raise DatasetError(
            f"{path}: there are 0 classes, not 1 to {MOST_CLASSES}: a line is name,label,label"
        )
    return table


def _splits(
    entries: Mapping[str, FolderEntry], masks: Masks, drawn: Mapping[str, Sequence[str]]
) -> dict[str, list[FolderEntry]]:
    """Return `train`, without masks, and the splits that were drawn, with theirs.

    An image of `train` knows of the mask that no split uses: it is looked at all the same.
    """
    reported = set(drawn.get("report", ()))
    used = {name for names in drawn.values() for name in names}
    train = [
        entry if name in used else entry._replace(unused_mask=masks.of_image.get(name))
        for name, entry in entries.items()
        if name not in reported
    ]
    masked = {
        split: [entries[name]._replace(mask=masks.of_image[name]) for name in names]
        for split, names in drawn.items()
    }
    return {"train": train, **masked}


def _possible(splitting: Splitting, masks: Masks, places: FolderPlaces) -> Splitting:
    """Return the shares that there can be: without a mask there is neither.

    Raises:
        DatasetError: there are files that should be masks, of which none is.
    """
    if masks.of_image:
        return splitting
    if masks.others and splitting.shares:
        raise DatasetError(
            f"{places.masks}: none of {len(masks.others)} files, such as {masks.others[0]}, is the "
            "mask of an image of the table, which is NAME.png or NAME_mask.png for an image NAME"
        )
    return Splitting(tune=NO_SPLIT, report=NO_SPLIT, seed=splitting.seed)
