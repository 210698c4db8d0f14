"""A table with a column for each class, told from one that lists labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from toco_core.data.sources.table_lines import Line, Lines
from toco_core.data.storage import DatasetError

YES, NO = frozenset({"1", "1.0", "true"}), frozenset({"0", "0.0", "false", ""})
# A heading of labels, not the name of a class with a column of its own.
LABEL_HEADING = re.compile(
    r"(label|class|category|categorie|tag|target|object|annotation)s?(es)?([ _-]?(name|id)s?)?"
    r"[ _-]?\d*",
    re.IGNORECASE,
)


def class_columns(path: Path, table: Lines, class_names: Collection[str]) -> tuple[str, ...]:
    """Return the classes of a table that has a column for each; none if it lists labels.

    Args:
        path: of the table, for messages.
        table: its lines.
        class_names: those of the columns where there is no heading.

    Raises:
        DatasetError: some cells are marks of such columns, and others are not.
    """
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
    # No class is called 0 or false: beside them, what is neither 0 nor 1 is a slip.
    if table.heading and found & NO - {""}:
        raise DatasetError(
            f"{path}, line {wrong.number}: {','.join(wrong.cells)} are not all 0 or 1, as below a "
            "heading that names a class in each column; leave out the columns of anything else"
        )
    return ()


def marked_classes(line: Line, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the classes that a line of a table of columns marks."""
    marks = zip(columns, line.cells, strict=False)
    return tuple(name for name, mark in marks if mark.lower() in YES)


def other_headings(path: Path, table: Lines) -> tuple[str, ...]:
    """Return the headings of a table of labels, if none of them says that it is one of labels.

    Raises:
        DatasetError: some do, so that the others are of something else.
    """
    headings = [name for name in (table.heading.cells if table.heading else ()) if name]
    others = tuple(name for name in headings if not LABEL_HEADING.fullmatch(name))
    if others and len(others) < len(headings):
        raise DatasetError(
            f"{path}: the heading has columns beside the labels: {', '.join(others)}; leave them "
            "out, since each cell behind the name is a label"
        )
    return others


def _filled(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Return cells without the empty ones at their end, which spreadsheets write."""
    last = max((place for place, cell in enumerate(cells, start=1) if cell), default=0)
    return cells[:last]


def _name_classes(columns: tuple[str, ...]) -> bool:
    is_label = any(map(LABEL_HEADING.fullmatch, columns))
    return bool(columns) and all(columns) and len({*columns}) == len(columns) and not is_label
