"""The lines of a table, however a spreadsheet or a script has written it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from toco_core.data.sources.files import read_text
from toco_core.data.sources.folder_files import image_suffix
from toco_core.data.storage import DatasetError

DELIMITERS = (",", ";", "\t")
# What the column of the images is called: name, filename, image_id, Images ...
NAME_HEADING = re.compile(
    r"(image|img|file|photo|picture)?[ _-]?(name|path|file|id)?s?", re.IGNORECASE
)


class Line(NamedTuple):
    """A line of a table, its cells without the spaces around them."""

    number: int
    name: str
    cells: tuple[str, ...]


class Lines(NamedTuple):
    """The lines of a table."""

    heading: Line | None
    lines: list[Line]


def read_lines(path: Path, is_image: Callable[[str], bool]) -> Lines:
    """Read a table, its heading apart, without the numbers that pandas puts before the lines.

    Args:
        path: a CSV file; its delimiter is a comma, a semicolon or a tab.
        is_image: whether there is an image of a name.

    Raises:
        DatasetError: it cannot be read, is no CSV, or names no image.
    """
    text = read_text(path)
    if text.lstrip().startswith(("{", "[")):
        raise DatasetError(
            f"{path} is JSON, no table: write a line name,label,label for each image"
        )
    try:
        lines = list(_cells(text))
    except csv.Error as error:
        raise DatasetError(f"{path} is no CSV file: {error}") from error
    lines = _without_index(lines, is_image)
    heading = lines[0] if lines and _is_heading(lines, is_image) else None
    lines = lines[heading is not None :]
    if not lines:
        raise DatasetError(f"{path} names no image")
    return Lines(heading, lines)


def _cells(text: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    for cells in reader:
        name, *others = (cell.strip() for cell in cells or [""])
        if name or any(others):
            yield Line(reader.line_num, name, tuple(others))


def _delimiter(text: str) -> str:
    """Return what ends the first cell of the first line that has two."""
    for line in text.splitlines():
        first = {mark: next(csv.reader([line], delimiter=mark), [""]) for mark in DELIMITERS}
        several = {mark: len(cells[0]) for mark, cells in first.items() if len(cells) > 1}
        if several:
            return min(several, key=lambda mark: several[mark])
    return DELIMITERS[0]


def _without_index(lines: Sequence[Line], is_image: Callable[[str], bool]) -> list[Line]:
    """Drop the numbers of the lines, which `DataFrame.to_csv` writes before the names."""
    is_numbered = (
        len(lines) > 1
        and all(line.cells for line in lines)
        and all(line.name.isdecimal() and not is_image(line.name) for line in lines[1:])
        and (not lines[0].name or any(is_image(line.cells[0]) for line in lines[1:]))
    )
    if not is_numbered:
        return list(lines)
    return [Line(line.number, line.cells[0], line.cells[1:]) for line in lines]


def _is_heading(lines: Sequence[Line], is_image: Callable[[str], bool]) -> bool:
    first, others = lines[0], lines[1:]
    if image_suffix(first.name):
        return False
    is_known = bool(first.name and NAME_HEADING.fullmatch(first.name))
    if is_known and not is_image(first.name):
        return True
    # In words that are not known here, or that an image has for a name, as image.jpg has. An image
    # would share its labels with others.
    labels = {cell for line in others for cell in line.cells if cell}
    is_strange = any(first.cells) and labels.isdisjoint(first.cells)
    return (
        is_strange
        and is_known == is_image(first.name)
        and any(is_image(line.name) for line in others)
    )
