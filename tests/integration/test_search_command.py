"""The command `python -m platform.search`, from its options to what it leaves behind."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from platform.results.counts import read_counts
from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import SPACE, Search, Session
from toco_core.checkpoint import load_checkpoint
from toco_core.settings.overrides import load_recipe

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TRIALS = 4
# One trial at a time: what is proposed and pruned then depends on nothing but the seed.
ARGUMENTS = ("--trials", str(TRIALS), "--concurrent", "1")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("space") / "rates.yaml"
    path.write_text(SPACE)
    return path


@pytest.fixture(scope="module")
def whole(
    scenes: Path, space: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Search, Session]:
    """A search that ran from its start to its end in one session."""
    search = Search(
        data=scenes,
        directory=tmp_path_factory.mktemp("whole"),
        arguments=(*ARGUMENTS, "--space", str(space)),
    )
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    return search, session


def outcome(trial: FrozenTrial) -> tuple[object, ...]:
    """Return all that must not depend on how often a search was interrupted."""
    return trial.number, trial.state, trial.params, trial.intermediate_values, trial.value


def test_every_trial_of_the_budget_has_an_end_and_the_first_is_the_recipe(
    whole: tuple[Search, Session],
) -> None:
    trials = whole[0].trials()
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert all(trial.state.is_finished() for trial in trials)
    assert trials[0].state is TrialState.COMPLETE
    assert trials[0].params == {"optimiser.lr": 2e-4, "thresholds.low": 0.25}


def test_a_trial_whose_loss_is_not_finite_fails_with_its_reason_and_the_search_goes_on(
    whole: tuple[Search, Session],
) -> None:
    search, session = whole
    failed = read_trials(search.results)[1]
    assert failed.state == "failed"
    assert failed.reason.startswith("NonFiniteLossError: ")
    assert "iteration" in failed.reason
    assert failed.reason in session.output
    assert search.trials()[2].number == 2


def test_tables_agree_with_the_study(whole: tuple[Search, Session]) -> None:
    search, _ = whole
    rows, curves = read_trials(search.results), read_curves(search.results)
    states = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
    for row, trial in zip(rows, search.trials(), strict=True):
        assert states[row.state] == trial.state.name
        scores = {c["iteration"]: c["score"] for c in curves if c["number"] == row.number}
        # what is scored after a trial was pruned is kept in the table only
        assert trial.intermediate_values.items() <= scores.items()


def test_complete_trials_leave_the_counts_of_their_last_scores(
    whole: tuple[Search, Session],
) -> None:
    search, _ = whole
    last = {row["number"]: row for row in read_curves(search.results)}
    for row in read_trials(search.results):
        counts = read_counts(search.results, row.number)
        assert (counts is not None) == (row.state == "complete")
        if counts is not None:
            curve = counts.curves(np.ones((1, counts.images)))[0]
            np.testing.assert_allclose(curve, last[row.number]["curve"], atol=1e-12)


def test_the_winner_can_be_loaded_and_its_report_is_a_fraction(
    whole: tuple[Search, Session],
) -> None:
    search, session = whole
    report = {
        row["number"]: row for row in json.loads((search.results / "report.json").read_text())
    }
    winner = max(
        (t for t in search.trials() if t.value is not None and t.state is TrialState.COMPLETE),
        key=lambda trial: trial.value or 0.0,
    )
    assert report.keys() == {0, winner.number}
    assert all(0.0 < row["miou"] < 1.0 and row["masks_opened"] == 16 for row in report.values())
    recipe = load_recipe(str(search.results / "best.yaml"))
    assert recipe.optimiser.lr == winner.params["optimiser.lr"]
    assert recipe.thresholds.bkg == pytest.approx(report[winner.number]["bkg"], abs=1e-4)
    checkpoint = load_checkpoint(search.results / "best.pt")
    assert (checkpoint.iteration, checkpoint.recipe.thresholds.low) == (10, recipe.thresholds.low)
    assert f"winner (trial {winner.number})" in session.output
    assert f"winner (trial {winner.number})" in (search.results / "summary.md").read_text()


def test_the_plan_is_printed_before_the_first_trial(whole: tuple[Search, Session]) -> None:
    output = whole[1].output
    assert "plan: 1 trial at once, on CPUs" in output
    assert output.index("scores: 2 evaluation workers on CPUs; ") < output.index("trial 0 ")


def test_the_recipe_is_kept_with_every_setting(whole: tuple[Search, Session]) -> None:
    recipe = load_recipe(str(whole[0].results / "recipe.yaml"))
    assert (recipe.iterations, recipe.backbone.weights) == (10, "random")


def test_tensorboard_has_every_trial_with_its_parameters(whole: tuple[Search, Session]) -> None:
    for number in range(TRIALS):
        events = EventAccumulator(str(whole[0].results / f"tensorboard/trial-{number:04d}"))
        events.Reload()
        assert "_hparams_/session_start_info" in events.summary_metadata
        assert "_hparams_/session_end_info" in events.summary_metadata


def children_seconds() -> float:
    """Return how long processes that have ended computed: a busy machine does not change it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_finished_search_prints_its_summary_again_and_starts_nothing(
    whole: tuple[Search, Session],
) -> None:
    search, _ = whole
    before = (search.results / "curves.parquet").stat().st_mtime_ns
    began = children_seconds()
    session = search.run()
    assert session.wait() == 0, session.errors
    assert children_seconds() - began < 20
    assert f"{TRIALS} trials: " in session.output
    assert "starting Ray" not in session.output
    assert (search.results / "curves.parquet").stat().st_mtime_ns == before


def test_a_search_of_that_name_with_other_settings_is_refused(
    whole: tuple[Search, Session],
) -> None:
    session = whole[0].run("--set=weights.seg=0.3")
    assert session.wait() == 2
    assert session.errors.startswith("error: study 'short' was begun with something else")
    assert session.errors.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_search_that_was_interrupted_and_killed_ends_with_the_trials_of_one_that_was_not(
    whole: tuple[Search, Session], tmp_path: Path
) -> None:
    undisturbed, _ = whole
    search = Search(data=undisturbed.data, directory=tmp_path, arguments=undisturbed.arguments)
    first = search.start()
    first.wait_for("trial 0  4/10")
    first.press_ctrl_c()
    assert first.wait() == 130, first.output + first.errors
    assert "the same command goes on where this one stopped" in first.output
    assert_nothing_is_left_running(search)

    second = search.start()
    second.wait_for("trial 3  2/10")  # trials 1 and 2 fail
    assert "trial 0  resumed at" in second.output
    second.kill()
    assert_nothing_is_left_running(search)
    assert any(trial.state is TrialState.RUNNING for trial in search.trials())

    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert [outcome(t) for t in search.trials()] == [outcome(t) for t in undisturbed.trials()]
    ends = [(row.number, row.state, row.reason) for row in read_trials(search.results)]
    assert ends == [(row.number, row.state, row.reason) for row in read_trials(undisturbed.results)]


def assert_nothing_is_left_running(search: Search) -> None:
    deadline = time.monotonic() + 60
    while search.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert search.processes() == []


def test_a_second_process_on_the_same_search_is_refused(scenes: Path, tmp_path: Path) -> None:
    search = Search(data=scenes, directory=tmp_path)
    first = search.start()
    first.wait_for("starting Ray")
    second = search.run()
    first.press_ctrl_c()
    assert second.wait() == 2
    assert "another process is working in" in second.errors
    assert first.wait() == 130, first.output + first.errors
    assert_nothing_is_left_running(search)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_a_search_that_is_terminated_while_ray_starts_ends_in_order(
    scenes: Path, tmp_path: Path, seconds: float
) -> None:
    search = Search(data=scenes, directory=tmp_path)
    session = search.start()
    session.wait_for("starting Ray")
    time.sleep(seconds)
    session.terminate()
    assert session.wait() == 130, session.output + session.errors
    assert session.errors.endswith("interrupted\n")
    assert_nothing_is_left_running(search)


def test_two_ddp_workers_train_a_trial_after_one_that_broke(
    scenes: Path, space: Path, tmp_path: Path
) -> None:
    """A trial that ends early must give its workers' resources back, or the next one waits."""
    search = Search(
        data=scenes,
        directory=tmp_path,
        arguments=("--trials", "2", "--workers", "2", "--cpus", "0.5", "--space", str(space)),
    )
    # tpe proposes the rate that can be trained with for trial 1
    session = search.run("--set=optimiser.lr=1e30", "--scorers", "1", "--sampler", "tpe")
    assert session.wait() == 0, session.output + session.errors
    trials = search.trials()
    assert [trial.state for trial in trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert read_trials(search.results)[0].reason.startswith("NonFiniteLossError: ")
    assert trials[1].last_step == 10
    assert all(math.isfinite(score) for score in trials[1].intermediate_values.values())
    assert [row["number"] for row in json.loads((search.results / "report.json").read_text())] == [
        1
    ]


def test_a_mistake_ends_in_seconds_with_one_line_that_names_it(
    scenes: Path, tmp_path: Path
) -> None:
    began = children_seconds()
    session = Search(data=scenes, directory=tmp_path).run("--data", "/no/such/dataset")
    assert session.wait() == 2
    assert children_seconds() - began < 20
    assert session.errors.startswith("error: ")
    assert "no dataset at /no/such/dataset" in session.errors
    assert session.errors.count("\n") == 1
    assert session.output == ""
