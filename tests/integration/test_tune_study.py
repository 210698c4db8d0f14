"""The study behind a real Tuner: states, a killed driver, and a resumed search."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from platform.search.study import default_storage, open_storage

REPOSITORY = Path(__file__).parents[2]
BUDGET = 6


def start(directory: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    environment |= {"TUNE_MAX_PENDING_TRIALS_PG": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tests.integration.search_on_ray", str(directory), str(BUDGET)]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,  # to be killed with the Ray that it starts
        stdout=subprocess.DEVNULL,
        stderr=(directory / "stderr").open("ab"),
    )


def trials(directory: Path) -> list[FrozenTrial]:
    storage = open_storage(default_storage(directory))
    names = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=names[0], storage=storage).trials if names else []


def kill_in_the_middle(directory: Path) -> None:
    """Start a search, and kill it while trials are in work and others have finished."""
    process = start(directory)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        seen = trials(directory)
        scored = [trial for trial in seen if trial.state == TrialState.RUNNING and trial.last_step]
        if scored and any(trial.state.is_finished() for trial in seen):
            break
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.ray
@pytest.mark.slow
def test_a_killed_search_goes_on_and_ends_with_every_trial_accounted_for(tmp_path: Path) -> None:
    kill_in_the_middle(tmp_path)
    before = trials(tmp_path)
    unfinished = {trial.number: trial.params for trial in before if not trial.state.is_finished()}
    running = [trial.number for trial in before if trial.state == TrialState.RUNNING]
    assert running, (tmp_path / "stderr").read_text()

    assert start(tmp_path).wait(timeout=300) == 0, (tmp_path / "stderr").read_text()

    after = trials(tmp_path)
    assert [trial.number for trial in after] == list(range(BUDGET))
    states = {trial.state for trial in after}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert after[0].state == TrialState.COMPLETE
    assert after[3].state == TrialState.FAIL
    starts = {number: (tmp_path / f"trial-{number}").read_text().splitlines() for number in running}
    assert max(map(len, starts.values())) == 2
    for number in running:
        assert len(set(starts[number])) == 1  # with the same parameters each time
        assert after[number].params == unfinished[number]
    for trial in before:
        if trial.state.is_finished():
            assert after[trial.number].values == trial.values
