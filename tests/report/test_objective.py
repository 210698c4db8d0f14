"""A report is on what was maximised, also where that is not the mIoU of the CAMs."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from platform.report.command import run_report
from platform.report.health.scores import length_card, score_card
from platform.report.listing import list_searches
from platform.report.options import ReportOptions
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.report.tables import scores_table
from platform.results.state_file import STATE_FILE, Word
from tests.report.made_up import make_search


@pytest.fixture(scope="module")
def unsupervised(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    path = tmp_path_factory.mktemp("reports") / "unsupervised"
    make_search(path, 9, objective="unsupervised")
    return read_search(path)


def test_a_page_without_masks_is_on_its_own_objective(unsupervised: Searched) -> None:
    assert run_report(ReportOptions(searches=(unsupervised.directory,))) == 0
    page = (unsupervised.directory / "report.html").read_text("utf-8")
    methods = (unsupervised.directory / "report/methods.txt").read_text()
    assert "score was the mean of F1, agreement of both CAMs and 1 - token similarity" in methods
    assert "No mask was opened." in methods
    for text in (page, methods):
        assert "best background threshold" not in text
        assert "CAM mIoU" not in text
    curves = (unsupervised.directory / "report/learning_curves.csv").read_text()
    assert curves.startswith("trial,iteration,unsupervised")
    assert "nan" not in curves
    history = (unsupervised.directory / "report/history.csv").read_text().splitlines()
    assert all(line.split(",")[2] for line in history[1:5])  # the last score of a trial


def test_its_cards_and_tables_are_too(unsupervised: Searched) -> None:
    assert score_card(unsupervised).state == "good"
    assert "nan" not in length_card(unsupervised).finding
    table = scores_table(unsupervised)
    assert table.columns[0] == "unsupervised"
    assert not [name for name in table.columns if "threshold" in name or "auxiliary" in name]
    assert None not in table.rows[0]


def test_searches_of_two_objectives_are_listed_with_theirs(
    unsupervised: Searched, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = unsupervised.directory.parent
    assert list_searches(reports, Console(width=140)) == 0
    assert "; unsupervised in %" in capsys.readouterr().out
    make_search(reports / "supervised", 2)
    assert list_searches(reports, Console(width=140)) == 0
    shown = capsys.readouterr().out
    assert "what each maximised in %" in shown
    assert "CAM mIoU" in shown


def test_what_a_process_that_is_gone_had_in_work_is_unfinished(tmp_path: Path) -> None:
    make_search(tmp_path / "left", 4, is_running=True)
    assert not read_search(tmp_path / "left").is_over
    word = Word(
        phase="running",
        pid=1,
        host=socket.gethostname(),
        heard=time.time() - 3600,
        began=time.time() - 7200,
        slots=1,
        search={},
        in_work=[],
    )
    (tmp_path / "left" / STATE_FILE).write_text(json.dumps(asdict(word)))
    left = read_search(tmp_path / "left")
    assert left.trials[-1].state == "unfinished"
