"""The table of the labels of a folder of images.

A line is an image and its labels: ``name,label,label`` or ``name,"label label"``. An image without
a label shows background alone. A first line that begins with ``name`` is a heading.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from toco_core.data.sources.files import read_text
from toco_core.data.storage import DatasetError


class LabelledName(NamedTuple):
    """A line of the table."""

    name: str
    labels: tuple[str, ...]


def read_label_table(path: Path, class_names: Collection[str]) -> list[LabelledName]:
    """Read a table.

    Args:
        path: a CSV file.
        class_names: what is taken for one label though it has spaces, such as `traffic light`.

    Raises:
        DatasetError: it is missing, no CSV, or empty.
    """
    lines = list(_lines(path))
    if lines and lines[0][0].strip().lower() == "name":
        lines = lines[1:]
    if not lines:
        raise DatasetError(f"{path} names no image")
    return [LabelledName(name.strip(), _labels(cells, class_names)) for name, *cells in lines]


def _lines(path: Path) -> Iterator[list[str]]:
    try:
        for cells in csv.reader(read_text(path).splitlines(), strict=True):
            if any(cell.strip() for cell in cells):
                yield cells
    except csv.Error as error:
        raise DatasetError(f"{path} is no CSV file: {error}") from error


def _labels(cells: Sequence[str], class_names: Collection[str]) -> tuple[str, ...]:
    stripped = [cell.strip() for cell in cells]
    parts = [[cell] if cell in class_names else cell.split() for cell in stripped]
    return tuple(label for part in parts for label in part)
