"""The report of a search as the search writes it: in a process of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rich.console import Console

from platform.search.report_writing import ReportWriter
from tests.report.made_up import make_search

PATIENCE = 120  # s


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "made-up"
    make_search(path, trials=2)
    return path


def test_the_report_is_written_and_its_place_said(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = directory / "report.html"
    page.unlink(missing_ok=True)
    ReportWriter(directory, None, Console(width=300)).write()
    said = capsys.readouterr().out
    assert said.startswith("report: ")
    assert said.strip().endswith("made-up/report.html")
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_is_one_line_of_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ReportWriter(tmp_path, None, Console(width=300)).write()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("warning: the report was not written: error: ")
    assert "it has no recipe.yaml" in line


def test_a_running_search_has_its_report_renewed(directory: Path) -> None:
    page = directory / "report.html"
    page.unlink(missing_ok=True)
    with ReportWriter(directory, None, Console()).every(0.001):
        deadline = time.monotonic() + PATIENCE
        while not page.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert page.exists()


def test_the_end_of_a_session_waits_for_no_report(directory: Path) -> None:
    writer = ReportWriter(directory, None, Console())
    began = time.monotonic()
    with writer.every(0.0001):
        time.sleep(0.2)  # a report has begun, which takes seconds
    assert time.monotonic() - began < 2
