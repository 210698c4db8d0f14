"""The table of the labels of a folder of images.

A line is an image and its labels, ``name,label,label`` or ``name,"label label"``, or, below a
heading that names a class in each column, ``name,1,0``. An image without a label shows background
alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from toco_core.data.sources.label_cells import LabelCells
from toco_core.data.sources.table_lines import NAME_HEADING, Line, Lines, read_lines
from toco_core.data.storage import DatasetError

YES, NO = frozenset({"1", "1.0", "true"}), frozenset({"0", "0.0", "false", ""})
# A heading of labels, not the name of a class with a column of its own.
LABEL_HEADING = re.compile(
    r"(label|class|category|categorie|tag|target|object|annotation)s?(es)?([ _-]?(name|id)s?)?"
    r"[ _-]?\d*",
    re.IGNORECASE,
)
NUMBER = re.compile(r"-?\d*\.?\d*")


class LabelledName(NamedTuple):
    """A line of the table."""

    name: str
    labels: tuple[str, ...]


class LabelTable(NamedTuple):
    """The content of a table."""

    lines: list[LabelledName]
    class_names: tuple[str, ...]  # in the order of the columns, or of their names
    guessed_heading: str  # the first line, if it was taken for a heading in words not known here


def read_label_table(
    path: Path,
    class_names: Collection[str] = (),
    is_image: Callable[[str], bool] = lambda _name: False,
) -> LabelTable:
    """Read a table.

    Args:
        path: a CSV file.
        class_names: what is taken for one label though it has spaces, such as `traffic light`.
        is_image: whether there is an image of a name; what is none may be a heading.

    Raises:
        DatasetError: it is missing, no CSV, empty, or can be understood in two ways.
    """
    table = read_lines(path, is_image)
    guessed = ""
    if table.heading and (
        not NAME_HEADING.fullmatch(table.heading.name) or is_image(table.heading.name)
    ):
        guessed = ",".join((table.heading.name, *table.heading.cells))
    columns = _class_columns(path, table, class_names)
    if columns:
        lines = [_of_columns(line, columns) for line in table.lines]
        return LabelTable(lines, columns, guessed)
    split = LabelCells(path, table.lines, class_names)
    lines = [LabelledName(line.name, split.labels(line)) for line in table.lines]
    found = sorted({label for line in lines for label in line.labels}, key=natural_order)
    if found == ["0", "1"] and not class_names:
        raise DatasetError(
            f"{path}: the classes would be '0' and '1'. Where a column stands for a class, a "
            "heading names them (name,cat,dog), or --classes does; if these are names, give "
            "--classes 0 1"
        )
    return LabelTable(lines, tuple(found), guessed)


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names as numbers: 2 before 10, c2 before c10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _class_columns(path: Path, table: Lines, class_names: Collection[str]) -> tuple[str, ...]:
    """Return the classes of a table that has a column for each; none if it lists labels."""
    columns = _filled(table.heading.cells) if table.heading else tuple(class_names)
    marks = [(line, [cell.lower() for cell in _filled(line.cells)]) for line in table.lines]
    found = set(chain.from_iterable(cells for _, cells in marks))
    if not _name_classes(columns) or any(len(cells) > len(columns) for _, cells in marks):
        return ()
    if not found - {""} or (table.heading is None and found <= {*columns}):
        return ()
    wrong = next((line for line, cells in marks if not {*cells} <= YES | NO), None)
    if wrong is None:
        return columns
    # With numbers for names there is no 0, which would be the background's.
    if table.heading and found & NO - {""} and all(map(NUMBER.fullmatch, found)):
        raise DatasetError(
            f"{path}, line {wrong.number}: {','.join(wrong.cells)} are not all 0 or 1, as below a "
            "heading that names a class in each column"
        )
    return ()


def _filled(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Return cells without the empty ones at their end, which spreadsheets write."""
    last = max((place for place, cell in enumerate(cells, start=1) if cell), default=0)
    return cells[:last]


def _name_classes(columns: tuple[str, ...]) -> bool:
    is_label = any(map(LABEL_HEADING.fullmatch, columns))
    return bool(columns) and all(columns) and len({*columns}) == len(columns) and not is_label


def _of_columns(line: Line, columns: Sequence[str]) -> LabelledName:
    marks = zip(columns, line.cells, strict=False)
    return LabelledName(line.name, tuple(name for name, mark in marks if mark.lower() in YES))
