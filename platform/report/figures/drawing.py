"""What a figure is: what it shows, its numbers as a table, and how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from platform.report.figures.style import WIDE
from platform.results.formats import NOTHING
from platform.results.text_tables import TextTable

Cell: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a figure or a table, as they are; shares are 0..1.

    Attributes:
        columns: headings.
        rows: as many cells each as there are headings.
        digits: behind the point, where people read them.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    digits: int = 3

    def text_table(self, title: str, limit: int | None = None) -> TextTable:
        """Return them as text; of more rows than `limit` the first ones."""
        texts = [[self._text(cell) for cell in row] for row in self.rows[:limit]]
        count = len(self.columns)
        leading = next((i for i in range(count) if i not in self.text_places()), count)
        return TextTable(title=title, columns=self.columns, rows=texts, text_columns=leading)

    def text_places(self) -> set[int]:
        """Return the columns that hold words, and no number."""
        columns = [[row[i] for row in self.rows] for i in range(len(self.columns))]
        return {i for i, cells in enumerate(columns) if any(isinstance(c, str) for c in cells)}

    def _text(self, cell: Cell) -> str:
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return NOTHING
        if isinstance(cell, bool):
            return "yes" if cell else "no"
        return f"{cell:.{self.digits}f}" if isinstance(cell, float) else str(cell)


@dataclass
class Tips:
    """What a pointer that rests on a mark is told, by the name that the mark has in the SVG."""

    texts: dict[str, Sequence[str]] = field(default_factory=dict)

    def add(self, artist: Artist, texts: Sequence[str]) -> None:
        """Give the parts of an artist a text each; one text is for all of it."""
        name = f"tip-{len(self.texts)}"
        artist.set_gid(name)
        self.texts[name] = texts


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure of a report.

    Attributes:
        key: names its files.
        title: what is shown.
        caption: how it is read, in a sentence or two.
        alt: what it shows, for who does not see it.
        numbers: everything that is drawn.
        draw: draws it, so many px wide.
        wide: px, of the column that it has in a wide page.
    """

    key: str
    title: str
    caption: str
    alt: str
    numbers: Numbers
    draw: Callable[[int, Tips], Figure]
    wide: int = WIDE
