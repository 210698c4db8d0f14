"""The benchmark of the platform's own costs, small: it runs, and counts what it says it counts."""

from __future__ import annotations

from pathlib import Path

from benchmarks.overhead import growth_line
from benchmarks.simulated_search import SCORES, simulate
from platform.results.curves import read_curves
from platform.results.tables import read_trials


def test_a_simulated_search_goes_through_the_tables_and_is_measured(tmp_path: Path) -> None:
    samples = list(simulate(tmp_path, trials=24, every=12, sampler="random"))
    assert [sample.trials for sample in samples] == [12, 24]
    assert all(sample.cpu > 0 and sample.kilobytes > 1 for sample in samples)
    rows = read_trials(tmp_path)
    assert [row.number for row in rows] == list(range(24))
    assert all(row.is_over for row in rows)
    complete = sum(row.state == "complete" for row in rows)
    assert len(read_curves(tmp_path)) >= complete * SCORES
    assert (tmp_path / "tensorboard/search").is_dir()
    assert growth_line(samples).startswith("24 against 12 trials: CPU x ")
