"""The directories and lists of a VOC tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from toco_core.data.names import plain_path
from toco_core.data.sources.files import read_text
from toco_core.data.sources.folder_files import FolderFiles
from toco_core.data.storage import DatasetError

AUGMENTED = "SegmentationClassAug"
ORIGINS = {
    "train": f"train holds VOC's own list, since there is no {AUGMENTED}",
    "train_aug": f"train holds {AUGMENTED} minus val",
}
PLACES = ("", "VOC2012", "VOCdevkit/VOC2012")


def find_root(place: Path) -> Path:
    """Return the VOC2012 directory, which is a place or below it.

    Raises:
        DatasetError: it is not there.
    """
    for below in PLACES:
        if (place / below / "JPEGImages").is_dir():
            return place / below
    raise DatasetError(
        f"{place} is no VOC tree: JPEGImages is neither in it nor in VOC2012 below it"
    )


def image_list(root: Path, name: str) -> list[str]:
    """Return the names in one of the lists of the segmentation.

    Raises:
        DatasetError: the list cannot be read.
    """
    lines = read_text(root / f"ImageSets/Segmentation/{name}.txt").splitlines()
    return [plain_path(_listed_name(root, line.strip())) for line in lines if line.strip()]


def _listed_name(root: Path, line: str) -> str:
    """Return the name in a line, which may go on with 1 or -1 as the lists of single classes do."""
    first, *others = line.split()
    return line if others and os.path.isfile(root / f"JPEGImages/{line}.jpg") else first


def training_names(root: Path, pools: Mapping[str, list[str]]) -> tuple[list[str], str]:
    """Return the images to train on, and what their list is called."""
    if not (root / AUGMENTED).is_dir():
        return pools["train"], "train"
    validation = set(pools["val"])
    masks = sorted(FolderFiles(root / AUGMENTED).paths)
    names = [path[:-4] for path in masks if path.lower().endswith(".png")]
    return [name for name in names if name not in validation], "train_aug"
