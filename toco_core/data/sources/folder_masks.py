"""Which file of a directory is the mask of which image."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from toco_core.data.sources.folder_files import FolderFiles
from toco_core.data.storage import DatasetError

ENDINGS = (".png", "_mask.png")  # behind the name of the image, in this order


class Masks(NamedTuple):
    """The masks of a directory."""

    of_image: dict[str, str]  # path of the mask, by name of the image
    others: tuple[str, ...]  # paths of the files that belong to no image


def match_masks(directory: Path, names: Collection[str]) -> Masks:
    """Find the mask of each image that has one: NAME.png, or else NAME_mask.png, in any letters.

    Args:
        directory: of the masks.
        names: of the images, without their suffixes.

    Raises:
        DatasetError: there is no directory, two files may be the mask of one image, or one file
            that of two.
    """
    files = FolderFiles(directory)
    found = {name: f"{name}.png" for name in names if f"{name}.png" in files.paths}
    for ending in ENDINGS:
        taken = set(found.values())
        for name in names:
            path = None if name in found else files.find(f"{name}{ending}")
            if path is not None and path not in taken:
                found[name] = path
    owners = {path: name for name, path in found.items()}
    for name, path in found.items():
        if owners[path] != name:
            raise DatasetError(
                f"{directory}: {path} may be the mask of {name!r} or of {owners[path]!r}"
            )
    in_order = {name: found[name] for name in names if name in found}
    return Masks(in_order, tuple(sorted(files.paths - owners.keys())))
