"""The page itself, and the files beside it."""

from __future__ import annotations

import csv
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from platform.report.command import run_report
from platform.report.figures.drawing import Numbers
from platform.report.files import to_latex
from platform.report.listing import list_searches
from platform.report.methods import bibtex, methods_paragraph
from platform.report.options import ReportOptions
from platform.report.pictures import read_pairs
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.report.verdict import verdict
from tests.report.made_up import make_search

VOID = {"meta", "link", "img", "br", "input"}


class Outline(HTMLParser):
    """Checks that elements close in order; collects what a reader's software relies on."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.headings: list[int] = []
        self.unnamed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if tag == "a" else []
        self.sources += [values.get("src") or ""] if tag in ("img", "script", "iframe") else []
        self.headings += [int(tag[1])] if tag in ("h1", "h2", "h3", "h4") else []
        self.unnamed += tag == "svg" and not values.get("aria-label")
        self.unnamed += tag == "img" and not values.get("alt")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def page(directory: Path) -> str:
    assert run_report(ReportOptions(searches=(directory,))) == 0
    return (directory / "report.html").read_text("utf-8")


def test_the_page_answers_first(page: str, searched: Searched) -> None:
    body = page.partition("<main")[2]
    answer = verdict(searched).answer
    assert answer in body
    assert body.index(answer) < body.index("<svg") < body.index("<nav")


def test_the_page_needs_nothing_but_itself(page: str, directory: Path) -> None:
    found = outline(page)
    assert "<script" not in page
    assert "@import" not in page
    assert all(source.startswith("data:") for source in found.sources)
    assert [x for x in found.links if x.startswith("#") and x[1:] not in found.ids] == []
    beside = [link for link in found.links if not link.startswith("#")]
    assert len(beside) > 30
    assert [link for link in beside if not (directory / link).exists()] == []
    assert len(page) < 5e6


def test_software_that_reads_aloud_finds_its_way(page: str) -> None:
    found = outline(page)
    assert len(found.ids) == len(set(found.ids))
    assert found.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(found.headings, found.headings[1:], strict=False))
    assert found.unnamed == 0


def test_names_of_users_are_text(page: str) -> None:
    assert "<script>" not in page
    assert "nan &lt;script&gt;" in page  # the reason of a failure
    assert "circle &lt;b&gt;" in page  # a class
    assert "circle <b>" not in page


def test_what_masks_were_worth_is_a_section_with_its_files(page: str, directory: Path) -> None:
    section = page.partition('<section id="worth"')[2].partition("</section>")[0]
    assert "Without a mask it would have been trial" in section
    with (directory / "report" / "masks_worth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["masks"] for row in rows] == ["0", "20", "40"]
    for name in ("masks_worth.tex", "masks_worth.md", "mask_cost.csv", "mask_cost.svg"):
        assert (directory / "report" / name).is_file()


def test_pictures_are_of_the_same_images(searched: Searched) -> None:
    (pair,) = read_pairs(searched)
    assert [name for name, _ in pair.views] == ["recipe", "winner"]
    assert pair.views[0][1] != pair.views[1][1]


def test_a_figure_has_its_numbers_beside_it(page: str, directory: Path) -> None:
    with (directory / "report" / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    trials = read_search(directory).trials
    assert [float(row["last score"] or "nan") for row in rows if row["last score"]] == [
        row.score for row in trials if row.score is not None
    ]


def test_latex_is_escaped() -> None:
    numbers = Numbers(columns=("a_b", "c"), rows=[("50 % & more", 0.5)], digits=1)
    text = to_latex(numbers.text_table("t"))
    assert r"a\_b & c \\" in text
    assert r"50 \% \& more & 0.5 \\" in text
    assert r"\begin{tabular}{lr}" in text


def test_the_paragraph_has_the_numbers_and_cites_what_is_in_the_bibliography(
    searched: Searched,
) -> None:
    paragraph = methods_paragraph(searched)
    assert "weights.ptc (0.05 to 1, logarithmic)" in paragraph
    assert f"{len(searched.trials)} configurations" in paragraph
    for key in ("ru2023toco", "akiba2019optuna", "moritz2018ray"):
        assert f"[{key}]" in paragraph
        assert f"{{{key}," in bibtex()


@pytest.mark.parametrize("trials", [1, 4])
def test_a_running_search_has_a_page_too(trials: int, tmp_path: Path) -> None:
    running = tmp_path / "running"
    make_search(running, trials, is_running=True)
    searched = read_search(running)
    found = verdict(searched)
    assert "not over" in " ".join(found.support)
    assert run_report(ReportOptions(searches=(running,))) == 0
    page = (running / "report.html").read_text("utf-8")
    outline(page)
    assert found.answer in page
    assert ('id="worth"' in page) == (len(list(running.glob("counts/*"))) > 1)


def test_searches_side_by_side(directory: Path, tmp_path: Path) -> None:
    other = shutil.copytree(directory, tmp_path / "other")
    path = tmp_path / "both.html"
    assert run_report(ReportOptions(searches=(directory, other), output=path)) == 0
    page = path.read_text("utf-8")
    outline(page)
    assert page.count("Nothing that their scores depend on") == 1
    assert "made-up" in page
    assert "other" in page


def test_searches_are_listed(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_searches(directory.parent, Console(width=120)) == 0
    assert "made-up" in capsys.readouterr().out
    with pytest.raises(ValueError, match="there is no search in"):
        list_searches(directory, Console())


def test_what_is_no_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it has no recipe\.yaml"):
        read_search(tmp_path)
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    with pytest.raises(ValueError, match="add --study"):
        read_search(tmp_path)
