"""The images of a table, and their files below a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from toco_core.data.names import plain_path, row_name_problem
from toco_core.data.sources.folder_files import IMAGE_SUFFIXES, FolderFiles, image_suffix
from toco_core.data.sources.label_table import LabelledName
from toco_core.data.storage import DatasetError


class FolderEntry(NamedTuple):
    """An image of the table."""

    name: str
    path: str
    labels: tuple[str, ...]
    mask: str | None = None  # None where it is not wanted


def list_images(
    place: Path, table: Sequence[LabelledName], files: FolderFiles
) -> dict[str, FolderEntry]:
    """Return the images of a table by name.

    Args:
        place: of the table, for messages.
        table: its lines.
        files: among which the images should be; one that is missing is told when it is read.

    Raises:
        DatasetError: the table names an image twice, or one that would not be below a directory.
    """
    entries: dict[str, FolderEntry] = {}
    for line in table:
        path = plain_path(line.name.replace("\\", "/"))  # as Windows writes it
        name = path[: -len(image_suffix(path)) or None]
        if problem := row_name_problem(name):
            raise DatasetError(f"{place}: {problem}")
        if name in entries:
            raise DatasetError(f"{place} names {name!r} twice")
        entries[name] = FolderEntry(name, find_image(files, path) or path, line.labels)
    return entries


def find_image(files: FolderFiles, name: str) -> str | None:
    """Return the file of an image that is named with or without its suffix."""
    path = plain_path(name.replace("\\", "/"))
    return files.find(path, *(f"{path}{suffix}" for suffix in IMAGE_SUFFIXES))
