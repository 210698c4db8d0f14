"""The files below a directory, found by name without regard to case."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path, PurePosixPath

from toco_core.data.storage import DatasetError

# In this order: beside a JPEG, the PNG of the same name is likely to be its mask.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
CLUTTER = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave, in lower case


class FolderFiles:
    """Paths of the files below a directory, relative to it, without those that systems leave."""

    def __init__(self, directory: Path) -> None:
        """List the files.

        Raises:
            DatasetError: there is no such directory.
        """
        if not directory.is_dir():
            raise DatasetError(
                f"there is no directory {directory}: a folder has images in images (or "
                "--images), a table labels.csv (--labels), and masks, if any, in masks (--masks)"
            )
        self.directory = directory
        found = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
        self.paths = {path.as_posix() for path in found if not _is_clutter(path)}
        self._by_case: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self.paths):
            self._by_case[alike(path)].append(path)

    def find(self, *candidates: str) -> str | None:
        """Return the first of some paths that is there, in other letters if not as it is.

        Raises:
            DatasetError: it is there in several ways to write it, and in none as it is given.
        """
        for path in candidates:
            if path in self.paths:
                return path
        for path in candidates:
            found = self._by_case.get(alike(path), [])
            if len(found) > 1:
                raise DatasetError(f"{self.directory}: {' and '.join(found)} are both {path}")
            if found:
                return found[0]
        return None


def alike(path: str) -> str:
    """Return what paths have in common that a person takes for the same."""
    # macOS writes an umlaut as a letter and two dots, a table as one character.
    return unicodedata.normalize("NFC", path).casefold()


def _is_clutter(path: PurePosixPath | Path) -> bool:
    """Whether a file is no part of a dataset, such as ``._cat.png``, macOS's attributes of it."""
    return any(part.startswith(".") or part.casefold() in CLUTTER for part in path.parts)


def image_suffix(name: str) -> str:
    """Return the ending by which a name is that of an image, or nothing."""
    return next((suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix)), "")
