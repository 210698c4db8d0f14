"""ToCo's own table: filled a training at a time, and what is read off it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.toco_table.__main__ import fill, parser
from benchmarks.toco_table.analysis import analyse, noise_table, rung_table
from benchmarks.toco_table.configurations import table_configurations, table_space
from benchmarks.toco_table.halving import replay_all
from benchmarks.toco_table.response import draw, slices
from benchmarks.toco_table.statistics import spearman, spread_within
from benchmarks.toco_table.table import Row

# as little as a training can be
SHORT = ["iterations=5", "optimiser.warmup=1", "stages.segmentation=4", "scoring.scores=2"]
SHORT += ["stages.contrast=1", "cam.scales=[1.0]", "data.images_per_step=2"]


def test_the_known_configurations_come_first_and_all_are_feasible() -> None:
    space = table_space()
    few, many = table_configurations(space, 4), table_configurations(space, 40)
    assert few == many[:4]
    assert few[: len(space.starting_points())] == space.starting_points()
    assert len(many) == 40
    assert all(map(space.is_feasible, many))


def test_a_table_goes_on_where_it_stopped(
    tmp_path: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.toco_table.__main__.ensure_partscenes", lambda: scenes)
    path = tmp_path / "table.parquet"
    arguments = ["--seeds", "1", "--output", str(path)]
    arguments += [part for text in SHORT for part in ("--set", text)]
    fill(parser().parse_args([*arguments, "--configurations", "1"]))
    first = pq.read_table(path).to_pylist()
    fill(parser().parse_args([*arguments, "--configurations", "2"]))
    rows = pq.read_table(path).to_pylist()
    assert str(rows[:1]) == str(first)  # NaN included
    assert [(row["configuration"], row["seed"]) for row in rows] == [(0, 0), (1, 0)]
    assert all(row["iterations"] == [2, 5] and len(row["miou"]) == 2 for row in rows)


def row(configuration: int, seed: int, *miou: float) -> dict[str, object]:
    return {
        "configuration": configuration,
        "seed": seed,
        "miou": list(miou),
        "iterations": [20 * (k + 1) for k in range(len(miou))],
    }


def test_noise_is_within_configurations_and_response_between_them() -> None:
    rows = [row(c, s, 0.3, 0.4 + 0.1 * c + 0.02 * s) for c in range(3) for s in range(2)]
    cells = {one[0]: one[1] for one in noise_table(rows).rows}
    assert cells["between seeds, last score"] == "1.41"  # 2 / sqrt 2
    assert cells["between configurations, means over seeds"] == "10.00"


def test_a_rung_that_orders_as_the_end_does_has_a_tau_of_one() -> None:
    rows = [row(c, 0, 0.1 * c, -0.1 * c, 0.4 + 0.1 * c) for c in range(6)]
    assert [list(one[:2]) for one in rung_table(rows).rows] == [
        ["33 %", "+1.00"],
        ["67 %", "-1.00"],
    ]


def made_up(configurations: int) -> list[Row]:
    """Trainings of a world in which nothing counts but the rate: 3e-4 is best."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for number, params in enumerate(table_configurations(table_space(), configurations)):
        end = 0.65 - 0.05 * abs(np.log(float(params["optimiser.lr"]) / 3e-4))
        for seed in range(2):
            luck = 0.003 * rng.normal(size=5)
            scores = 0.3 + (end - 0.3) * np.array([0.3, 0.6, 0.8, 0.9, 1.0]) + luck
            rows.append({**row(number, seed, *scores.tolist()), **params})
    return rows


def test_the_model_finds_what_counts_and_what_does_not() -> None:
    found = {one.axis.parameter.key: one for one in slices(made_up(30))}
    assert found["optimiser.lr"].best == pytest.approx(3e-4, rel=0.3)
    assert np.ptp(found["optimiser.lr"].worth) > 0.08
    assert np.ptp(found["weights.seg"].worth) < 0.03


def test_a_figure_has_a_panel_for_each_setting(tmp_path: Path) -> None:
    rows = made_up(8)
    draw(rows, slices(rows), tmp_path / "response.svg")
    text = (tmp_path / "response.svg").read_text()
    assert all(one.key in text for one in table_space().space.parameters)


def test_rungs_save_training_and_clear_curves_lose_nothing_by_them() -> None:
    found = replay_all(made_up(25), draws=2)
    trained = {name: np.mean([one.trained for one in replays]) for name, replays in found.items()}
    assert trained["none"] == 1
    assert trained["20, 40, 80 %"] < trained["40, 80 %"] < trained["80 %"] < 1
    assert [one.worth for one in found["20, 40, 80 %"]] == [one.worth for one in found["none"]]


def test_an_interval_holds_the_correlation_and_few_points_have_none() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    found = spearman(x, x + rng.normal(size=40))
    assert found is not None
    assert 0 < found.low < found.value < found.high < 1
    assert spearman(x[:4], x[:4]) is None
    assert np.isnan(spread_within([np.array([1.0])]))


def test_an_empty_table_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no training yet"):
        analyse(tmp_path / "none.parquet")
