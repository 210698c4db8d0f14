from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage

from platform.results.curves import CURVES_FILE, PARTS_DIRECTORY, add_score, read_curves
from platform.results.events import SearchStarted, TrialEnded, TrialStarted
from platform.results.tables import TRIALS_FILE, TrialTables, read_trials
from platform.results.trial_rows import TrialRow
from platform.search.repair import repair
from platform.search.report_file import ReportScore, read_report, write_report
from tests.results.streams import scored
from tests.search.worlds import ITERATIONS, opener

STEPS = (20, 100)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """A search of three trials with its tables: complete, failed, and stopped half-way."""
    live = opener(InMemoryStorage(), budget=3, pruner="none")()
    tables = TrialTables(tmp_path)
    tables.handle(
        SearchStarted(
            name="s",
            trials=3,
            iterations=ITERATIONS,
            directory=tmp_path,
            log_file=tmp_path / "ray.log",
        )
    )
    for number, steps in enumerate([STEPS, (), STEPS[:1]]):
        assignment = live.next()
        assert assignment is not None
        tables.handle(TrialStarted(number=number, params=assignment.params))
        for step in steps:
            live.record(number, 0.1 * number + step / 1000, step)
            tables.handle(scored(number, step, 0.1 * number + step / 1000))
    live.finish(0)
    tables.handle(TrialEnded(number=0, state="complete", score=0.1))
    live.fail(1, "out of luck")
    tables.handle(TrialEnded(number=1, state="failed", score=None, reason="out of luck"))
    write_report(
        tmp_path,
        {0: ReportScore(number=0, bkg=0.4, aux_bkg=0.4, miou=0.5, aux_miou=0.4, masks_opened=9)},
    )
    return live.study


def timeless(rows: list[TrialRow]) -> list[TrialRow]:
    return [replace(r, started=0.0, ended=r.ended and 1.0, iteration=0, state="x") for r in rows]


def test_whole_tables_stay_as_they_are(study: optuna.Study, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    assert repair(tmp_path, study, ITERATIONS) == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before


@pytest.mark.parametrize("damage", [Path.unlink, flip, cut, empty])
def test_the_table_of_trials_is_made_again_from_the_study(
    damage: Callable[[Path], None], study: optuna.Study, tmp_path: Path
) -> None:
    before, path = read_trials(tmp_path), tmp_path / TRIALS_FILE
    damage(path)
    lines = repair(tmp_path, study, ITERATIONS)
    assert str(path) in lines[0]
    assert lines[-1] == f"{path} was gone: made again from the study"
    after = read_trials(tmp_path)
    assert timeless(after) == timeless(before)
    assert [row.state for row in after] == ["complete", "failed", "unfinished"]
    assert [row.iteration for row in after] == [100, 0, 20]
    assert repair(tmp_path, study, ITERATIONS) == []


@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_scores_are_read_from_what_is_whole(
    damage: Callable[[Path], None], study: optuna.Study, tmp_path: Path
) -> None:
    part = tmp_path / PARTS_DIRECTORY / "trial-0000-000020.parquet"
    damage(part)
    (line,) = repair(tmp_path, study, ITERATIONS)
    assert line.startswith(str(part))
    assert "set aside as trial-0000-000020.parquet.damaged; times and masks" in line
    assert [(row["number"], row["iteration"]) for row in read_curves(tmp_path)] == [
        (0, 100),
        (2, 20),
    ]
    damage(tmp_path / CURVES_FILE)
    repair(tmp_path, study, ITERATIONS)
    add_score(tmp_path, scored(2, 100, 0.3))
    assert len(read_curves(tmp_path)) == 3


def test_a_complete_trial_whose_last_score_was_lost_is_complete(
    study: optuna.Study, tmp_path: Path
) -> None:
    (tmp_path / TRIALS_FILE).unlink()
    (tmp_path / PARTS_DIRECTORY / "trial-0000-000100.parquet").unlink()
    repair(tmp_path, study, ITERATIONS)
    complete = read_trials(tmp_path)[0]
    assert (complete.state, complete.iteration, complete.score) == ("complete", 100, 0.1)


def test_without_any_table_the_study_tells_what_it_knows(
    study: optuna.Study, tmp_path: Path
) -> None:
    for path in [*tmp_path.glob("*.parquet"), *(tmp_path / PARTS_DIRECTORY).iterdir()]:
        path.unlink()
    repair(tmp_path, study, ITERATIONS)
    complete, failed, stopped = read_trials(tmp_path)
    assert (complete.state, complete.score, complete.scored_iteration) == ("complete", 0.1, 100)
    assert (failed.state, failed.reason) == ("failed", "out of luck")
    assert (stopped.state, stopped.score, stopped.iteration) == ("unfinished", 0.22, 20)


def test_what_the_study_was_told_is_what_it_maximised(study: optuna.Study, tmp_path: Path) -> None:
    (tmp_path / TRIALS_FILE).unlink()
    (tmp_path / PARTS_DIRECTORY / "trial-0000-000100.parquet").unlink()
    repair(tmp_path, study, ITERATIONS, "f1")
    complete, _, stopped = read_trials(tmp_path)
    assert (complete.value("f1"), complete.score) == (0.1, 0.02)  # the latter of the part before
    assert stopped.best_score == stopped.value("f1") == scored(2, 20, 0.2).f1


@pytest.mark.parametrize("damage", [cut, empty, lambda path: path.write_text("[{}]")])
def test_a_damaged_report_is_named_and_set_aside(
    damage: Callable[[Path], object], study: optuna.Study, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    assert list(read_report(tmp_path)) == [json.loads(path.read_text())[0]["number"]]
    damage(path)
    with pytest.raises(ValueError, match=r"report\.json is damaged"):
        read_report(tmp_path)
    (line,) = repair(tmp_path, study, ITERATIONS)
    assert "set aside as report.json.damaged; what it held is scored again" in line
    assert read_report(tmp_path) == {}
