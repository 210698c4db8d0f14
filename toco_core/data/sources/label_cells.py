"""Labels in the cells of a table: one of several words, or several in one cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from toco_core.data.sources.table_lines import Line
from toco_core.data.storage import DatasetError

SEPARATORS = re.compile(r"\s*[;|,]\s*")  # of labels in one cell


class LabelCells:
    """Tells a label of several words from several labels in one cell."""

    def __init__(self, path: Path, lines: Sequence[Line], class_names: Collection[str]) -> None:
        self._path = path
        self._class_names = frozenset(class_names)
        cells = {cell for line in lines for cell in line.cells if cell}
        self._known = self._class_names or frozenset(cell for cell in cells if " " not in cell)
        words = Counter(chain.from_iterable({*cell.split()} for cell in cells))
        self._shared = {word for word, count in words.items() if count > 1}
        self._one_each = any(sum(map(bool, line.cells)) > 1 for line in lines)

    def labels(self, line: Line) -> tuple[str, ...]:
        """Return the labels of a line.

        Raises:
            DatasetError: a cell may be one label or several.
        """
        parts = (self._parts(cell, line.number) for cell in line.cells if cell)
        return tuple(label for part in parts for label in part if label)

    def _parts(self, cell: str, number: int) -> list[str]:
        if cell in self._class_names:
            return [cell]
        listed = SEPARATORS.split(cell)
        if len(listed) > 1:
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
