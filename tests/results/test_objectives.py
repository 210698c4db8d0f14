"""A search that maximises something else than the CAM mIoU, in tables and lines."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from platform.results.curves import read_curves
from platform.results.events import Event, Scored, SearchEnded, TrialEnded
from platform.results.hparams import compared_tags
from platform.results.objectives import OBJECTIVES
from platform.results.plain_lines import plain_line
from platform.results.summary import Contender, SearchSummary, summary_markdown
from platform.results.tables import TrialTables, read_trials
from platform.results.tensorboard_runs import score_scalars
from tests.results.streams import LOW_AND_PTC, NOON, fold_all, scored, search_started, trial_started

EVENTS: list[Event] = [
    replace(search_started(), objective="f1"),
    trial_started(0),
    trial_started(1),
    replace(scored(0, 600, 0.40), f1=0.70),
    replace(scored(1, 240, 0.30), f1=0.95),
    replace(scored(1, 600, 0.30), f1=0.80),
    TrialEnded(number=0, state="complete", score=0.70),
    TrialEnded(number=1, state="complete", score=0.80),
]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_a_number_of_a_score(name: str) -> None:
    objective = OBJECTIVES[name]
    assert {objective.field, *objective.beside} <= {one.name for one in fields(Scored)}
    assert [one.name for one in objective.brief] == [objective.field, *objective.beside]
    assert all(one.heading for one in objective.brief)


def test_the_best_trial_is_that_of_the_highest_objective() -> None:
    state = fold_all(EVENTS)
    assert state.best is not None
    assert (state.best.number, state.best.best_score) == (1, 0.95)
    told = state.rows[1]
    assert (told.value("f1"), told.score) == (0.80, 0.30)


def test_lines_begin_with_the_objective() -> None:
    line = plain_line(EVENTS[4], fold_all(EVENTS[:5]), NOON)
    assert line is not None
    assert "F1 95.0 (CAM mIoU 30.0, aux 25.0)  best 95.0 (trial 1)" in line
    line = plain_line(EVENTS[7], fold_all(EVENTS), NOON)
    assert line is not None
    assert "complete at 600/600  F1 80.0" in line


def text_of(objective: str) -> str:
    found = Contender(
        number=1,
        params=LOW_AND_PTC,
        tune=0.30,
        tune_aux=0.25,
        objective=0.80,
        report_objective=0.75,
    )
    return summary_markdown(
        SearchSummary(
            name="a",
            trials=fold_all(EVENTS).trials,
            objective=OBJECTIVES[objective],
            default=replace(found, number=0, objective=0.70),
            winner=found,
            seconds=1,
        )
    )


def test_the_summary_ranks_and_compares_by_the_objective() -> None:
    text = text_of("f1")
    assert "## Best 2 of 2 trials, F1 in %" in text
    assert text.index("| 1 | complete | 80.0 | 30.0 | 25.0 |") < text.index("| 0 | complete | 70.0")
    assert "| CAM mIoU in % | F1, tune | F1, report | tune | tune, aux | report |" in text
    assert "| gain, points | +10.0 | +0.0 | +0.0 | +0.0 | – | – |" in text


def test_without_masks_the_summary_has_no_miou() -> None:
    text = text_of("unsupervised")
    assert "| in % | unsupervised, tune | unsupervised, report |" in text
    assert "mIoU" not in text


def test_tensorboard_compares_the_objective_and_shows_no_number_that_is_not_there() -> None:
    assert compared_tags(OBJECTIVES["unsupervised"])[0] == "cam/unsupervised"
    assert compared_tags(OBJECTIVES["cam_miou"])[0] == "cam/miou"
    blind = replace(scored(0, 120, math.nan), unsupervised=0.6)
    scalars = dict(score_scalars(blind))
    assert scalars["cam/unsupervised"] == 0.6
    assert "cam/miou" not in scalars


def test_tables_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    sink = TrialTables(tmp_path)
    for event in [*EVENTS, SearchEnded()]:
        sink.handle(event)
    for name in ("trials.parquet", "curves.parquet"):
        table = pq.read_table(tmp_path / name)
        pq.write_table(table.drop_columns(["agreement", "unsupervised"]), tmp_path / name)
    assert [row.value("f1") for row in read_trials(tmp_path)] == [0.70, 0.80]
    rows = read_curves(tmp_path)
    assert [row["f1"] for row in rows] == [0.70, 0.95, 0.80]
    assert all(row["agreement"] != row["agreement"] for row in rows)  # NaN
