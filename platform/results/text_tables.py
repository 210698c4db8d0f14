"""Small tables of text that can be printed on a terminal or written as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_GAP = 2  # characters between two columns


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table of text.

    Attributes:
        title: what the table shows.
        columns: headings.
        rows: as many cells each as there are headings.
        text_columns: so many columns hold text, to the left; the others hold numbers, to the right.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self


def to_rich(text_table: TextTable) -> Table:
    """Return a table as rich draws it on the terminal."""
    table = Table(
        title=Text(text_table.title, style="bold"),
        title_justify="left",
        box=None,
        padding=(0, _GAP, 0, 0),  # ten columns of a search fit into 80 characters
        pad_edge=False,
        header_style="dim",
    )
    for index, heading in enumerate(text_table.columns):
        table.add_column(
            Text(heading),
            justify="left" if index < text_table.text_columns else "right",
            overflow="fold",
        )
    for row in text_table.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def fit(text_table: TextTable, width: int) -> TextTable:
    """Leave out the last columns of a table that would be broken into pieces at so many characters.

    The first column stays, however wide it is.
    """
    rows = [text_table.columns, *text_table.rows]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(text_table.columns))]
    ends = accumulate(widths, lambda end, one: end + _GAP + one)
    count = max(1, sum(end <= width for end in ends))
    return replace(
        text_table,
        columns=text_table.columns[:count],
        rows=[row[:count] for row in text_table.rows],
        text_columns=min(text_table.text_columns, count),
    )


def to_markdown(text_table: TextTable) -> str:
    """Return a table as a Markdown section."""
    rules = [
        ":---" if index < text_table.text_columns else "---:"
        for index in range(len(text_table.columns))
    ]
    lines = [_line(text_table.columns), _line(rules), *(_line(row) for row in text_table.rows)]
    return "\n".join([f"## {text_table.title}", "", *lines])


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
