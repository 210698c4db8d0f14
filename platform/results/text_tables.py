"""Small tables of text that can be printed on a terminal or written as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of text.

    Attributes:
        title: what the table shows.
        columns: headings.
        rows: as many cells each as there are headings.
        words: so many columns hold words, to the left; the others hold numbers, to the right.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self


def to_rich(grid: Grid) -> Table:
    """Draw a grid for the terminal."""
    table = Table(
        title=Text(grid.title, style="bold"),
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),  # ten columns of a search fit into 80 characters
        pad_edge=False,
        header_style="dim",
    )
    for index, heading in enumerate(grid.columns):
        table.add_column(
            Text(heading), justify="left" if index < grid.words else "right", overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def to_markdown(grid: Grid) -> str:
    """Write a grid as a Markdown section with a table."""
    rules = [":---" if index < grid.words else "---:" for index in range(len(grid.columns))]
    lines = [_line(grid.columns), _line(rules), *(_line(row) for row in grid.rows)]
    return "\n".join([f"## {grid.title}", "", *lines])


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
