"""A report of a search whose winner was trained again on fresh seeds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from platform.report.command import run_report
from platform.report.figures.seeds import seeds_figure
from platform.report.health.effect import better_card
from platform.report.options import ReportOptions
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.report.tables import confirmation_table
from platform.report.verdict import verdict
from tests.report.made_up import CONFIRMED_RECIPE, CONFIRMED_TRIAL, confirm


@pytest.fixture
def copied(directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(directory, tmp_path / "confirmed"))


def confirmed(directory: Path, told: str, trial: int | None = None) -> Searched:
    winner = read_search(directory).winner
    confirm(directory, winner if trial is None else trial, told)
    return read_search(directory)


def test_fresh_seeds_answer_before_the_search_does(copied: Path) -> None:
    found = confirmed(copied, "better")
    said = verdict(found)
    size = "+5.3 ±1.4 points on report, over 3 fresh seeds"
    assert said.answer == f"Yes: trial {found.winner} is better by {size}."
    assert said.is_apart
    assert any(line.startswith("In the search it led by ") for line in said.support)
    assert not any("confirm on several seeds" in line for line in said.support)
    assert better_card(found).state == "good"


def test_what_fresh_seeds_do_not_tell_apart_is_not_called_better(copied: Path) -> None:
    found = confirmed(copied, "not told apart")
    assert verdict(found).answer.startswith("Not that it could be told apart: ")
    assert verdict(found).is_apart is False
    assert better_card(found).state == "look"


def test_another_trial_that_was_confirmed_does_not_answer_for_the_winner(
    copied: Path, searched: Searched
) -> None:
    assert searched.winner != 3
    found = confirmed(copied, "better", trial=3)
    assert verdict(found).answer == verdict(searched).answer
    assert seeds_figure(found)


def test_table_and_figure_have_every_seed(copied: Path, searched: Searched) -> None:
    found = confirmed(copied, "better")
    figure = seeds_figure(found)
    assert figure
    assert [row[2] for row in figure.numbers.rows] == [*CONFIRMED_RECIPE, *CONFIRMED_TRIAL]
    assert [row[1] for row in figure.numbers.rows] == [10_000, 10_001, 10_002] * 2
    rows = confirmation_table(found).rows
    assert [row[4] for row in rows] == [None, 0.053]
    assert seeds_figure(searched) is None
    assert not confirmation_table(searched).rows


def test_the_page_shows_it(copied: Path) -> None:
    confirmed(copied, "better")
    assert run_report(ReportOptions(searches=(copied,))) == 0
    page = (copied / "report.html").read_text("utf-8")
    assert "What was found." in page
    assert "Equal fresh seeds" in page
    assert {"seeds.svg", "seeds.csv", "confirmation.tex"} <= {
        path.name for path in (copied / "report").iterdir()
    }
