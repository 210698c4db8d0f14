"""The images of a table, and their files below a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from toco_core.data.names import plain_path, row_name_problem
from toco_core.data.sources.folder_files import IMAGE_SUFFIXES, FolderFiles, image_suffix
from toco_core.data.sources.label_table import LabelledName
from toco_core.data.storage import DatasetError
from toco_core.messages import shown


class FolderEntry(NamedTuple):
    """An image of the table."""

    name: str
    path: str
    labels: tuple[str, ...]
    mask: str | None = None  # None where it is not wanted
    unused_mask: str | None = None  # looked at, and not written


def list_images(
    place: Path, table: Sequence[LabelledName], files: FolderFiles
) -> dict[str, FolderEntry]:
    """Return the images of a table by name.

    Args:
        place: of the table, for messages.
        table: its lines.
        files: among which the images should be; one that is missing is told when it is read.

    Raises:
        DatasetError: the table names an image twice, one that would not be below a directory, or
            none that is there.
    """
    entries: dict[str, FolderEntry] = {}
    seen: dict[str, LabelledName] = {}
    for line in table:
        path = plain_path(line.name.replace("\\", "/"))  # as Windows writes it
        name = path[: -len(image_suffix(path)) or None]
        if problem := row_name_problem(name):
            raise DatasetError(f"{place}: {problem}")
        if name in seen:
            raise DatasetError(f"{place}, line {line.number}: {_twice(line, seen[name], name)}")
        seen[name] = line
        entries[name] = FolderEntry(name, find_image(files, path) or path, line.labels)
    if not any(entry.path in files.paths for entry in entries.values()):
        raise DatasetError(f"{place}: {_none_there(next(iter(entries)), len(entries), files)}")
    return entries


def _twice(line: LabelledName, first: LabelledName, name: str) -> str:
    """Say what to do about an image that two lines name."""
    suffixes = {image_suffix(line.name), image_suffix(first.name)} - {""}
    if len(suffixes) > 1:
        return (
            f"{line.name} and {first.name} of line {first.number} would both be {name!r}, as their "
            "masks and exports are named; rename one"
        )
    labels = ",".join(dict.fromkeys((*first.labels, *line.labels)))
    return (
        f"{name!r} has line {first.number} already; give each image one line with all its labels, "
        f"here {name},{labels}"
    )


def _none_there(name: str, names: int, files: FolderFiles) -> str:
    """Say what the names should be, where none is that of an image."""
    images = sorted(path for path in files.paths if image_suffix(path))
    if not images:
        return f"there is no JPEG or PNG in {files.directory} for its {names} names"
    return (
        f"none of its {names} names, such as {shown(name)}, is an image in {files.directory}; "
        f"they are relative to it, such as {shown(images[0])}"
    )


def find_image(files: FolderFiles, name: str) -> str | None:
    """Return the file of an image that is named with or without its suffix."""
    path = plain_path(name.replace("\\", "/"))
    return files.find(path, *(f"{path}{suffix}" for suffix in IMAGE_SUFFIXES))
