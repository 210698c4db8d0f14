"""ToCo's own table as what searches are simulated on: the shipped table, nothing made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.search_quality.conditions import parse_condition
from benchmarks.search_quality.methods import make_method
from benchmarks.search_quality.searches import search
from benchmarks.search_quality.toco import TASK, ToCoTable
from benchmarks.search_quality.world import measure_scale
from benchmarks.toco_table.configurations import params_of
from benchmarks.toco_table.table import read_rows
from tests.packaging.interpreter import ROOT

TABLE = ROOT / "benchmarks/toco_table.parquet"


@pytest.fixture(scope="module")
def world() -> ToCoTable:
    return ToCoTable(TABLE)


def test_it_reaches_what_was_measured(world: ToCoTable) -> None:
    rows = [row for row in read_rows(TABLE) if not row["failed"]]
    measured = np.array([row["miou"] for row in rows])
    said = world.accuracy(TASK, list(map(params_of, rows)), rows[0]["iterations"])
    assert said.shape == measured.shape
    good = measured[:, -1] > np.median(measured[:, -1])
    assert np.abs(said - measured)[good].mean() < 0.02
    assert np.corrcoef(said[:, -1], measured[:, -1])[0, 1] > 0.8


def test_between_two_scores_it_lies_between_them(world: ToCoTable) -> None:
    recipe, last = world.space(published=True).starts[0], world.iterations
    before, between, after = world.accuracy(
        TASK, [recipe], [last * 3 // 5, last * 7 // 10, last * 4 // 5]
    )[0]
    assert min(before, after) <= between <= max(before, after)
    with pytest.raises(ValueError, match="has 5 scores a training: name conditions with s5"):
        world.accuracy(TASK, [recipe], [last // 10])


def test_a_search_of_it_begins_with_the_recipe(world: ToCoTable) -> None:
    scale = measure_scale(world, TASK, blocks=1)
    one = search(make_method("default"), world, TASK, scale, parse_condition("n1c4s5@pub"), 0)
    assert one.regret[20] < scale.regret(
        world.accuracy(TASK, world.space(published=True).starts[:1], [world.iterations])[0, 0]
    )


def test_too_few_trainings_are_refused(tmp_path: Path) -> None:
    few = tmp_path / "few.parquet"
    pq.write_table(pq.read_table(TABLE).slice(0, 6), few)
    with pytest.raises(ValueError, match="3 configurations, 20 are needed"):
        ToCoTable(few)
    with pytest.raises(ValueError, match="there is no such file"):
        ToCoTable(tmp_path / "none.parquet")
