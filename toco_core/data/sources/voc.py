"""PASCAL VOC 2012, with the SBD masks (SegmentationClassAug) where they are there.

By the convention of weak supervision `train` is train_aug without masks, `tune` the 1,464 masks of
VOC's own train list, and `report` its val list. Labels are the object names of the annotations:
`difficult` objects count, since they are in the picture and in its mask. SBD took its images from
VOC's, so every image has an annotation: one without is a missing file, and no mask replaces it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

from toco_core.data.carving import Carving, carve
from toco_core.data.conversion.source import Source
from toco_core.data.names import plain_path, shown_name
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.files import read_part, read_text
from toco_core.data.sources.folder_files import FolderFiles
from toco_core.data.sources.mask_files import label_mask, require_one_class
from toco_core.data.storage import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLASS_NAMES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
CONVENTION = Carving(tune="train", report="val")
AUGMENTED = "SegmentationClassAug"
ORIGINS = {
    "train": f"train holds VOC's own list, since there is no {AUGMENTED}",
    "train_aug": f"train holds {AUGMENTED} minus val",
}
PLACES = ("", "VOC2012", "VOCdevkit/VOC2012")


class VocEntry(NamedTuple):
    """An image of VOC, and whether its mask is wanted."""

    name: str
    with_mask: bool


@dataclass(frozen=True, kw_only=True)
class VocReader:
    """Reads images of a VOC2012 directory."""

    root: Path
    class_names: tuple[str, ...] = CLASS_NAMES
    foreground: int | None = None

    def __call__(self, entry: VocEntry) -> Row:
        """Read an image, its annotation, and its mask if it is wanted; may raise `RowError`."""
        annotation = read_part(self.root, f"Annotations/{entry.name}.xml")
        return Row(
            name=entry.name,
            image=read_part(self.root, f"JPEGImages/{entry.name}.jpg"),
            labels=_labels(annotation, self.class_names),
            mask=self._mask(entry.name) if entry.with_mask else None,
        )

    def _mask(self, name: str) -> bytes:
        encoded = read_part(self.root, f"SegmentationClass/{name}.png")
        return label_mask(encoded, len(self.class_names), self.foreground)


def voc_source(
    place: Path,
    carving: Carving = CONVENTION,
    classes: Sequence[str] = (),
    foreground: int | None = None,
) -> Source:
    """List the images of VOC 2012, or of a tree that looks like it.

    Args:
        place: the VOC2012 directory, or one that holds it.
        carving: what `tune` and `report` take of the pools `train` and `val`, VOC's own lists.
        classes: names of a tree's own classes, in the order of their labels; by default VOC's.
        foreground: the value in the masks that stands for the one class there is, if not 1.

    Raises:
        DatasetError: there is no such directory or list, or the carving asks for too much.
    """
    class_names = tuple(classes) or CLASS_NAMES
    require_one_class(foreground, class_names)
    root = _find_root(place)
    pools = {name: _image_list(root, name) for name in ("train", "val")}
    training, origin = _training_names(root, pools)
    carved = carve(pools, carving)
    reported = set(carved.get("report", ()))
    train = [VocEntry(name, False) for name in training if name not in reported]
    masked = {split: [VocEntry(name, True) for name in names] for split, names in carved.items()}
    return Source(
        description=f"{'a tree like VOC' if classes else 'PASCAL VOC 2012'}, {origin}",
        class_names=class_names,
        splits={"train": train, **masked},
        read=VocReader(root=root, class_names=class_names, foreground=foreground),
        carving=carving,
        notes=(ORIGINS[origin],),
        has_mask_files=True,
        reading={} if foreground is None else {"foreground": foreground},
    )


def _find_root(place: Path) -> Path:
    for below in PLACES:
        if (place / below / "JPEGImages").is_dir():
            return place / below
    raise DatasetError(
        f"{place} is no VOC tree: JPEGImages is neither in it nor in VOC2012 below it"
    )


def _image_list(root: Path, name: str) -> list[str]:
    lines = read_text(root / f"ImageSets/Segmentation/{name}.txt").splitlines()
    return [plain_path(_listed_name(root, line.strip())) for line in lines if line.strip()]


def _listed_name(root: Path, line: str) -> str:
    """Return the name in a line, which may go on with 1 or -1 as the lists of single classes do."""
    first, *others = line.split()
    return line if others and os.path.isfile(root / f"JPEGImages/{line}.jpg") else first


def _training_names(root: Path, pools: dict[str, list[str]]) -> tuple[list[str], str]:
    """Return the images to train on, and what their list is called."""
    if not (root / AUGMENTED).is_dir():
        return pools["train"], "train"
    validation = set(pools["val"])
    masks = sorted(FolderFiles(root / AUGMENTED).paths)
    names = [path[:-4] for path in masks if path.lower().endswith(".png")]
    return [name for name in names if name not in validation], "train_aug"


def _labels(annotation: bytes, class_names: Sequence[str]) -> list[int]:
    try:
        objects = ElementTree.fromstring(annotation).findall("object")  # not their parts
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # or of unknown encoding
        raise RowError("corrupt annotation", str(error)) from error
    names = [str(one.findtext("name", "")).strip() for one in objects]
    if not names:
        raise RowError("corrupt annotation", "it has no object")
    foreign = [name for name in names if name not in class_names]
    if foreign and class_names == CLASS_NAMES:
        raise RowError(
            "label without a class",
            f"{shown_name(foreign[0])} is no class of VOC; a tree of other classes needs --classes "
            "with all of them, in the order of their labels in the masks",
        )
    if foreign:
        raise RowError("label without a class", f"{shown_name(foreign[0])} is none of --classes")
    return sorted({class_names.index(name) + 1 for name in names})
