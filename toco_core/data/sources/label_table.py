"""The table of the labels of a folder of images.

A line is an image and its labels, ``name,label,label`` or ``name,"label label"``, or, below a
heading that names a class in each column, ``name,1,0``. An image without a label shows background
alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from toco_core.data.sources.label_cells import LabelCells
from toco_core.data.sources.label_columns import class_columns, marked_classes, other_headings
from toco_core.data.sources.table_lines import NAME_HEADING, read_lines
from toco_core.data.storage import DatasetError


class LabelledName(NamedTuple):
    """A line of the table."""

    name: str
    labels: tuple[str, ...]
    number: int = 0  # of the line in its file


class LabelTable(NamedTuple):
    """The content of a table."""

    lines: list[LabelledName]
    class_names: tuple[str, ...]  # in the order of the columns, or of their names
    guessed_heading: str  # the first line, if it was taken for a heading in words not known here
    other_headings: tuple[str, ...] = ()  # above cells that were taken for labels all the same


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
    columns = class_columns(path, table, class_names)
    if columns:
        lines = [
            LabelledName(line.name, marked_classes(line, columns), line.number)
            for line in table.lines
        ]
        return LabelTable(lines, columns, guessed)
    others = other_headings(path, table)
    split = LabelCells(path, table.lines, class_names)
    lines = [LabelledName(line.name, split.labels(line), line.number) for line in table.lines]
    found = sorted({label for line in lines for label in line.labels}, key=natural_order)
    if found == ["0", "1"] and not class_names:
        raise DatasetError(
            f"{path}: the classes would be '0' and '1'. Where a column stands for a class, a "
            "heading names them (name,cat,dog), or --classes does; if these are names, give "
            "--classes 0 1"
        )
    return LabelTable(lines, tuple(found), guessed, () if guessed else others)


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names as numbers: 2 before 10, c2 before c10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
