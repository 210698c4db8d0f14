"""PASCAL VOC 2012, with the SBD masks (SegmentationClassAug) where they are there.

By the convention of weak supervision `train` is train_aug without masks, `tune` the 1,464 masks of
VOC's own train list, and `report` its val list. Labels are the object names of the annotations:
`difficult` objects count, since they are in the picture and in its mask. SBD took its images from
VOC's, so every image has an annotation: one without is a missing file, and no mask replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from toco_core.data.conversion.source import Source
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.files import read_part, read_text
from toco_core.data.splitting import Splitting, draw_splits
from toco_core.data.storage import DatasetError

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
CONVENTION = Splitting(tune="train", report="val")
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

    def __call__(self, entry: VocEntry) -> Row:
        """Read an image, its annotation, and its mask if it is wanted; may raise `RowError`."""
        return Row(
            name=entry.name,
            image=read_part(self.root, f"JPEGImages/{entry.name}.jpg"),
            labels=_labels(read_part(self.root, f"Annotations/{entry.name}.xml")),
            mask=read_part(self.root, _mask_file(entry.name)) if entry.with_mask else None,
        )


def voc_source(place: Path, splitting: Splitting = CONVENTION) -> Source:
    """List the images of VOC 2012.

    Args:
        place: the VOC2012 directory, or one that holds it.
        splitting: what `tune` and `report` take of the pools `train` and `val`, VOC's own lists.

    Raises:
        DatasetError: there is no such directory or list, or the splitting asks for too much.
    """
    root = _find_root(place)
    pools = {name: _image_list(root, name) for name in ("train", "val")}
    training, origin = _training_names(root, pools)
    drawn = draw_splits(pools, splitting)
    reported = set(drawn.get("report", ()))
    train = [VocEntry(name, False) for name in training if name not in reported]
    masked = {split: [VocEntry(name, True) for name in names] for split, names in drawn.items()}
    return Source(
        description=f"PASCAL VOC 2012, {origin}",
        class_names=CLASS_NAMES,
        splits={"train": train, **masked},
        read=VocReader(root=root),
        splitting=splitting,
        notes=(ORIGINS[origin],),
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
    return [line.split()[0] for line in lines if line.strip()]


def _training_names(root: Path, pools: dict[str, list[str]]) -> tuple[list[str], str]:
    """Return the images to train on, and what their list is called."""
    if not (root / AUGMENTED).is_dir():
        return pools["train"], "train"
    validation = set(pools["val"])
    names = sorted(path.stem for path in (root / AUGMENTED).glob("*.png"))
    return [name for name in names if name not in validation], "train_aug"


def _mask_file(name: str) -> str:
    return f"SegmentationClass/{name}.png"


def _labels(annotation: bytes) -> list[int]:
    try:
        objects = ElementTree.fromstring(annotation).findall("object")  # not their parts
    except ElementTree.ParseError as error:
        raise RowError("corrupt annotation", str(error)) from error
    names = [str(one.findtext("name", "")).strip() for one in objects]
    if not names:
        raise RowError("corrupt annotation", "it has no object")
    foreign = [name for name in names if name not in CLASS_NAMES]
    if foreign:
        raise RowError("label without a class", f"{foreign[0]!r} is no class of VOC")
    return sorted({CLASS_NAMES.index(name) + 1 for name in names})
