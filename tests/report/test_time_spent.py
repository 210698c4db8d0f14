"""Where the time went, computed again from the tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from platform.report.searched import Searched
from platform.report.time_spent import time_table

MINUTE = 60  # the unit: in all it is less than an hour and a half


def row_of(searched: Searched, words: str) -> list[float]:
    (row,) = (row for row in time_table(searched).rows if str(row[0]).startswith(words))
    return [cell if isinstance(cell, (int, float)) else 0.0 for cell in row[1:]]


def test_times_are_those_of_the_tables(searched: Searched, directory: Path) -> None:
    trials = pq.read_table(directory / "trials.parquet").to_pylist()
    for state, words in (("pruned", "of it stopped"), ("complete", "of it complete")):
        those = [row for row in trials if row["state"] == state]
        training, scoring = (
            sum(row[f"seconds_{what}"] for row in those) / MINUTE
            for what in ("training", "scoring")
        )
        assert row_of(searched, words) == pytest.approx([len(those), training, scoring])


def test_the_rungs_add_up_to_the_whole(searched: Searched) -> None:
    rungs = [row for row in time_table(searched).rows if str(row[0]).startswith("iterations")]
    assert [str(row[0]) for row in rungs][:1] == ["iterations 0 to 20"]
    whole = row_of(searched, "in all")
    assert sum(float(row[2] or 0) for row in rungs) == pytest.approx(whole[1])
    assert sum(float(row[3] or 0) for row in rungs) == pytest.approx(whole[2])
    there = [int(row[1] or 0) for row in rungs]
    assert there == sorted(there, reverse=True)


def test_what_a_fault_lost_is_steps_at_the_trial_s_pace(searched: Searched) -> None:
    assert row_of(searched, "lost")[:2] == [0, 0]
    row = searched.rows[0]
    pace = row.totals["seconds_training"] / (row.scored_iteration or 1)
    trials = [replace(one, lost_iterations=30 * (one.number == 0)) for one in searched.trials]
    assert row_of(replace(searched, trials=trials), "lost")[:2] == pytest.approx(
        [1, 30 * pace / MINUTE]
    )


def test_a_trial_is_idle_while_it_does_not_train(searched: Searched) -> None:
    row = searched.rows[0]
    training = row.totals["seconds_training"]
    longer = replace(row, started=1000.0, ended=1000.0 + training + 180)
    again = replace(longer, number=1, first_iteration=20)  # its earlier session is not known
    found = row_of(replace(searched, trials=[longer, again]), "idle")
    assert found[:2] == pytest.approx([1, 180 / MINUTE])
