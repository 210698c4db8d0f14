"""Labels in the cells of a table: one of several words, or several in one cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from toco_core.data.sources.table_lines import Line
from toco_core.data.storage import DatasetError
from toco_core.messages import shown

SEPARATORS = re.compile(r"\s*[;|,]\s*")  # of labels in one cell


class LabelCells:
    """Tells a label of several words from several labels in one cell."""

    def __init__(self, path: Path, lines: Sequence[Line], class_names: Collection[str]) -> None:
        self._path = path
        self._class_names = frozenset(class_names)
        cells = {cell for line in lines for cell in line.cells if cell}
        listed = {cell: _listed(cell) for cell in cells - self._class_names}
        labels = {label for parts in listed.values() for label in parts}
        self._known = self._class_names or frozenset(word for word in labels if " " not in word)
        words = Counter(chain.from_iterable({*label.split()} for label in labels))
        self._shared = {word for word, count in words.items() if count > 1}
        # Where something else separates labels anywhere in the table, a space is part of a name.
        self._one_each = any(sum(map(bool, line.cells)) > 1 for line in lines) or any(
            len(parts) > 1 for parts in listed.values()
        )

    def labels(self, line: Line) -> tuple[str, ...]:
        """Return the labels of a line.

        Raises:
            DatasetError: a cell may be one label or several, or is a list as a program prints it.
        """
        parts = (self._parts(cell, line.number) for cell in line.cells if cell)
        return tuple(label for part in parts for label in part if label)

    def _parts(self, cell: str, number: int) -> list[str]:
        if cell in self._class_names:
            return [cell]
        if cell[0] in "[{" or cell[-1] in "]}":
            raise DatasetError(
                f"{self._path}, line {number}: {shown(cell)} is a list as a program prints "
                'it, no label: write cat;cup, for which pandas has table["labels"].str.join(";")'
            )
        listed = _listed(cell)
        if listed != [cell]:
            return listed
        words = cell.split()
        if len(words) > 1 and self._known.issuperset(words):
            return words
        elsewhere = [word for word in words if word in self._known | self._shared]
        if elsewhere and len(words) > 1 and not self._one_each and not self._class_names:
            raise DatasetError(
                f"{self._path}, line {number}: {cell!r} may be one class or several, since "
                f"{elsewhere[0]!r} is elsewhere too: give each label a cell, or all classes to "
                "--classes"
            )
        return [cell]


def _listed(cell: str) -> list[str]:
    """Return the labels of a cell that are separated by a mark."""
    return [label for label in SEPARATORS.split(cell) if label]
