"""The searches in a directory, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from platform.report.reading import is_search, read_search
from platform.report.searched import Searched
from platform.report.verdict import lead_of_winner
from platform.results.formats import NOTHING, gain, percent
from platform.results.text_tables import TextTable, to_rich

_COLUMNS = (
    "search",
    "recipe",
    "state",
    "trials",
    "iterations",
    "winner",
    "worth",
    "lead",
    "report",
)


def list_searches(directory: Path, console: Console) -> int:
    """Print the searches in a directory; return the exit status.

    Raises:
        ValueError: there is none.
    """
    found = sorted(path for path in directory.iterdir() if path.is_dir() and is_search(path))
    if not found:
        raise ValueError(f"there is no search in {directory}")
    searches: list[Searched] = []
    for path in found:
        try:
            searches.append(read_search(path))
        except ValueError as error:
            console.print(f"left out: {error}", highlight=False, soft_wrap=True)
    what = f"{what_was_maximised(searches)} in %, lead over the recipe in points (95 %)"
    title = f"Searches in {directory}; {what}"
    console.print(to_rich(search_table(searches, title)))
    return 0


def what_was_maximised(searches: Sequence[Searched]) -> str:
    """Name the objective that all searches have, or say that they have several."""
    headings = {one.heading for one in searches}
    return headings.pop() if len(headings) == 1 else "what each maximised"


def search_table(searches: Sequence[Searched], title: str) -> TextTable:
    """Return a row for each search."""
    rows = [_cells(one) for one in searches]
    if len({one.heading for one in searches}) == 1:
        return TextTable(title=title, columns=_COLUMNS, rows=rows, text_columns=3)
    wider = [[*row[:3], one.heading, *row[3:]] for row, one in zip(rows, searches, strict=True)]
    columns = (*_COLUMNS[:3], "objective", *_COLUMNS[3:])
    return TextTable(title=title, columns=columns, rows=wider, text_columns=4)


def _cells(searched: Searched) -> list[str]:
    number, lead = searched.winner, lead_of_winner(searched)
    worth = None if number is None else searched.judgement.worth[number]
    report = None if number is None else searched.report.get(number)
    return [
        searched.name,
        searched.recipe.name,
        "over" if searched.is_over else "not over",
        str(len(searched.trials)),
        str(searched.recipe.iterations),
        NOTHING if number is None else str(number),
        NOTHING if worth is None else percent(worth.value),
        NOTHING if lead is None else f"{gain(lead.value)} ±{100 * (lead.half or 0):.1f}",
        percent(report.maximised if report else None),
    ]
