"""Several searches side by side, in one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from platform.report.figures.drawing import Numbers
from platform.report.figures.render import render
from platform.report.figures.searches import search_leads_figure, search_progress_figure
from platform.report.files import write_numbers
from platform.report.listing import search_table
from platform.report.page import template, write_text
from platform.report.searched import Searched
from platform.report.verdict import verdict

FILES_DIRECTORY = "comparison"


def write_comparison(searches: Sequence[Searched], path: Path) -> None:
    """Write a page that sets searches side by side, and its figures beside it."""
    files = path.parent / FILES_DIRECTORY
    files.mkdir(parents=True, exist_ok=True)
    labels = unlike_names(searches)
    drawings = (search_leads_figure(searches, labels), search_progress_figure(searches, labels))
    figures = [render(one, files) for one in drawings if one is not None]
    for one in figures:
        write_numbers(one.drawing.numbers, files / f"{one.drawing.key}.csv")
    table = search_table(searches, "Searches")
    rows = [(label, *row[1:]) for label, row in zip(labels, table.rows, strict=True)]
    text = template("comparison.html.j2").render(
        answers=[(label, verdict(one)) for label, one in zip(labels, searches, strict=True)],
        summary=Numbers(columns=table.columns, rows=rows),
        differences=differences(searches, labels),
        figures=figures,
        files=FILES_DIRECTORY,
    )
    write_text(path, text)


def unlike_names(searches: Sequence[Searched]) -> list[str]:
    """Return the searches' names; where two are the same, with the directory above."""
    names = [one.name for one in searches]
    return [
        name if names.count(name) == 1 else f"{one.directory.parent.name}/{name}"
        for name, one in zip(names, searches, strict=True)
    ]


def differences(searches: Sequence[Searched], labels: Sequence[str]) -> Numbers:
    """Return what the searches' scores depend on, where that is not the same for all."""
    setups: list[Mapping[str, object]] = [one.setup for one in searches]
    keys = dict.fromkeys(key for setup in setups for key in setup)
    rows = [
        (key, *(_text(setup.get(key)) for setup in setups))
        for key in keys
        if any(setup.get(key) != setups[0].get(key) for setup in setups)
    ]
    return Numbers(columns=("what", *labels), rows=rows)


def _text(value: object) -> str:
    return "–" if value is None else str(value)
