"""A search of two objectives in simulated time: proposals, front, pick, what is written of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from pyarrow import parquet

from platform.results.objectives import find_objective
from platform.results.text_tables import to_markdown
from platform.results.trial_rows import TrialRow
from platform.search.front.judged import Front, judge_front, pick
from platform.search.front.tables import FRONT_FILE, front_findings, front_table, write_front
from platform.search.front.weighting import on_front
from platform.search.kept import forget_others, keep_best
from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.simulation.controller import Score, Simulator
from platform.search.space.checked import Params
from platform.search.study import open_study
from platform.search.winner import find_winner
from platform.search.worth import last_values
from tests.search.worlds import ITERATIONS, quality, small_space

SPACE = small_space()
BOTH = find_objective("cam_miou,f1")


def other_quality(params: Params) -> float:
    """A second objective, whose best thresholds are 0.2 away from those of the first."""
    low, high = float(params["thresholds.low"]), float(params["thresholds.high"])
    return 0.8 - (low - 0.15) ** 2 - (high - 0.8) ** 2


def curve(number: int, params: Params) -> list[Score]:
    """Five scores by each objective, with a little luck."""
    rng = np.random.default_rng([number, 3])
    rise = np.linspace(0.2, 1, 5) ** 0.2
    ends = np.array([quality(params), other_quality(params)])
    return [
        tuple(map(float, row)) for row in rise[:, None] * ends + 0.004 * rng.normal(size=(5, 2))
    ]


def run(
    sampler: str = "curve",
    pruner: str = "halving",
    trials: int = 16,
    concurrent: int = 2,
    seed: int = 0,
) -> optuna.Study:
    """Return a study of two objectives that is over."""
    study = open_study(
        InMemoryStorage(),
        "made-up",
        SPACE,
        sampler=make_sampler(sampler, SPACE, seed),
        pruner=make_pruner(pruner, ITERATIONS, 2),
        objectives=2,
    )
    live = LiveTrials(study, SPACE, budget=trials, iterations=ITERATIONS)
    Simulator(lambda: live, curve, concurrent=concurrent).run()
    return study


@cache
def searched() -> optuna.Study:
    """Return one search for the tests that only look at it."""
    return run()


@cache
def judged() -> Front:
    """Return its front."""
    return judge_front(searched(), SPACE)


def true_front(study: optuna.Study) -> set[int]:
    """Return the complete trials that are on the front without luck."""
    complete = [t for t in study.trials if t.state is optuna.trial.TrialState.COMPLETE]
    ends = np.array([[quality(t.params), other_quality(t.params)] for t in complete])
    return {t.number for t, is_on in zip(complete, on_front(ends), strict=True) if is_on}


def test_the_front_is_nearly_that_without_luck() -> None:
    shares = []
    for study in (searched(), run(seed=1), run(seed=2)):
        found, true = set(judge_front(study, SPACE).numbers), true_front(study)
        assert len(found) >= 3
        shares.append(len(found & true) / len(found | true))
    assert np.mean(shares) >= 0.6


def test_proposals_go_to_both_ends_of_the_front() -> None:
    lows = [float(trial.params["thresholds.low"]) for trial in searched().trials[5:]]
    assert min(lows) <= 0.2
    assert max(lows) >= 0.3


def test_a_search_that_crashes_proposes_what_it_would_have() -> None:
    storage = InMemoryStorage()

    def reopened() -> LiveTrials:
        study = open_study(
            storage,
            "made-up",
            SPACE,
            sampler=make_sampler("curve", SPACE, 0),
            pruner=make_pruner("halving", ITERATIONS, 2),
            objectives=2,
        )
        return LiveTrials(study, SPACE, budget=9, iterations=ITERATIONS)

    Simulator(reopened, curve, concurrent=1, crashes=(17, 30, 55)).run()
    broken = optuna.load_study(study_name="made-up", storage=storage)
    whole = run(trials=9, concurrent=1)
    assert [t.params for t in broken.trials] == [t.params for t in whole.trials]
    assert all(t.state.is_finished() for t in broken.trials)


def test_the_winner_is_the_highest_of_the_first_objective_until_another_is_picked() -> None:
    study = run(trials=12)
    front = judge_front(study, SPACE)
    winner = find_winner(study, SPACE)
    assert winner
    assert winner.number == front.numbers[0]
    last = front.numbers[-1]
    assert last != winner.number
    pick(study, SPACE, last)
    assert find_winner(study, SPACE) == study.trials[last]
    outside = next(n for n in front.worth if n not in front.numbers)
    with pytest.raises(ValueError, match=rf"--pick {outside}: that trial is not on the front"):
        pick(study, SPACE, outside)


def test_a_search_of_one_objective_has_nothing_to_pick() -> None:
    study = optuna.create_study(direction="maximize")
    with pytest.raises(ValueError, match="this search has one objective"):
        pick(study, SPACE, 0)


def test_the_ends_of_the_front_are_kept_and_what_is_deleted_is_on_no_front(tmp_path: Path) -> None:
    study = run(trials=10)
    values = {t.number: t.values for t in study.trials if t.state.name == "COMPLETE"}
    keep_best(study, tmp_path, 2)
    numbers = set(judge_front(study, SPACE).numbers)
    ends = {max(values, key=lambda n, k=k: values[n][k]) for k in range(2)}
    assert numbers <= {0, *ends}
    forget_others(study, tmp_path, {0})
    assert set(judge_front(study, SPACE).numbers) == {0}


def test_table_and_file_have_the_front_and_the_recipe(tmp_path: Path) -> None:
    front, study = judged(), searched()
    rows = {t.number: TrialRow(number=t.number, params=t.params) for t in study.trials}
    winner = front.numbers[0]
    table = to_markdown(front_table(front, BOTH, rows, winner))
    assert "CAM mIoU" in table
    assert "F1" in table
    assert "recipe" in table
    assert table.count("±") >= 2 * len(front.numbers)
    behind = next(n for n in front.worth if n not in front.numbers and n != 0)
    assert "taken, not on it" in to_markdown(front_table(front, BOTH, rows, behind))
    said = " ".join(front_findings(front, BOTH, winner))
    assert f"hold trial {winner} (the highest CAM mIoU)" in said
    write_front(tmp_path, front, BOTH, last_values(study))
    written = parquet.read_table(tmp_path / FRONT_FILE).to_pylist()
    assert {row["number"] for row in written if row["on_front"]} == set(front.numbers)
    assert written[0]["cam_miou"] == study.trials[0].values[0]
    assert written[0]["f1"] == study.trials[0].values[1]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "qmc"])
def test_other_samplers_search_two_objectives_without_a_pruner(sampler: str) -> None:
    study = run(sampler, "none", trials=12)
    assert all(len(trial.values) == 2 for trial in study.trials)
