"""The page of a search: everything that is shown, put into the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from platform.report.figures.all_figures import make_drawings
from platform.report.figures.drawing import Numbers
from platform.report.figures.front import front_numbers
from platform.report.figures.render import render
from platform.report.files import write_numbers, write_table
from platform.report.health.all_cards import make_cards
from platform.report.importance import LEAST_TRIALS, importance
from platform.report.mask_worth import MaskWorth, in_words, mask_worth, masks_worth_table
from platform.report.methods import bibtex, methods_paragraph
from platform.report.overlays import Overlays, draw_overlays
from platform.report.pictures import read_pairs
from platform.report.searched import Searched
from platform.report.tables import (
    confirmation_table,
    masks_table,
    protocol_table,
    scores_table,
    settings_table,
    trials_table,
)
from platform.report.time_spent import time_table
from platform.report.verdict import verdict
from toco_core.files import replacing

FILES_DIRECTORY = "report"
PAGE_FILE = "report.html"
TABLE_ROWS = 120  # of a figure's numbers within the page; all of them are in its CSV
WORTH = "What masks were worth: the choice made again by fewer of them"
_IF_KNOWN = {"confirmation", "front", "protocol"}  # tables that not every search has
_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table in the page and its files."""

    key: str
    title: str
    numbers: Numbers


def write_page(searched: Searched, path: Path) -> None:
    """Write the report of a search: the page, and the directory of its files beside it."""
    files = path.parent / FILES_DIRECTORY
    files.mkdir(parents=True, exist_ok=True)
    found, worth = importance(searched), mask_worth(searched)
    drawings = make_drawings(searched, found, worth)
    figures = {key: render(one, files) for key, one in drawings.items()}
    for key, one in figures.items():
        write_numbers(one.drawing.numbers, files / f"{key}.csv")
    overlays = draw_overlays(searched)
    tables = _tables(searched, worth, overlays)
    for table in tables.values():
        write_table(table.numbers, table.title, files, table.key)
    methods = methods_paragraph(searched)
    (files / "methods.txt").write_text(methods + "\n", "utf-8")
    (files / "references.bib").write_text(bibtex(), "utf-8")
    text = template("report.html.j2").render(
        searched=searched,
        verdict=verdict(searched),
        cards=make_cards(searched),
        figures=figures,
        tables=tables,
        masks_worth=in_words(worth, searched) if worth else [],
        pairs=read_pairs(searched),
        overlays=overlays,
        methods=methods,
        bibtex=bibtex(),
        least_trials=LEAST_TRIALS,
        files=FILES_DIRECTORY,
        finished=_last_moment(searched),
    )
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write a page in place of the one that is there."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, "utf-8")


def template(name: str) -> Template:
    """Return a template. What it is given is escaped: names and reasons come from users."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup  # ours: matplotlib escapes the text within
    environment.globals["rows"] = TABLE_ROWS
    return environment.get_template(name)


def _tables(
    searched: Searched, worth: MaskWorth | None, overlays: Overlays
) -> Mapping[str, Section]:
    made: Sequence[tuple[str, str, Callable[[Searched], Numbers]]] = (
        ("settings", "Settings of recipe and winner", settings_table),
        ("scores", "Scores of recipe and winner", scores_table),
        ("front", "The front of all objectives", front_numbers),
        ("confirmation", "Confirmation on fresh seeds", confirmation_table),
        ("trials", "All trials", trials_table),
        ("time", "Where the time went", time_table),
        ("masks", "Masks opened", partial(masks_table, for_pictures=overlays.masks_opened)),
        ("protocol", "How the winner was scored", protocol_table),
    )
    sections = [Section(key=key, title=title, numbers=of(searched)) for key, title, of in made]
    if worth is not None:
        numbers = masks_worth_table(worth)
        sections.append(Section(key="masks_worth", title=WORTH, numbers=numbers))
    return {one.key: one for one in sections if one.numbers.rows or one.key not in _IF_KNOWN}


def _last_moment(searched: Searched) -> str:
    moments = [row.ended or row.started for row in searched.trials]
    return datetime.fromtimestamp(max(moments)).strftime("%d %B %Y, %H:%M")
