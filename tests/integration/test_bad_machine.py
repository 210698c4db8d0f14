"""A machine on which every trial breaks, beside one on which none does, in a real Tune."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import ray
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from ray import tune
from ray.cluster_utils import Cluster

from platform.cluster.placement import Placement
from platform.cluster.runtime import worker_environment
from platform.cluster.whereabouts import whereabouts
from platform.results.events import MachineStruckOff, TrialBroken
from platform.search.budget import Budget
from platform.search.fault_causes import fault_of
from platform.search.faults import Faults
from platform.search.live_trials import LiveTrials
from platform.search.monitor import TrialObserver
from platform.search.trial_protocol import ITERATION, NODE, SCORE, BrokenTrialError
from platform.search.tune import room_for_a_trial
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher
from tests.search.test_monitor import Notes
from tests.search.worlds import ITERATIONS, opener

# Several Rays on one machine: minutes, and no place beside other tests.
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]

TRIALS = 3
SECONDS = 120.0  # that a machine is waited for
PLACEMENT = Placement(
    max_concurrent_trials=2, driver={"CPU": 1.0}, workers_per_trial=0, worker={"CPU": 1.0}
)


@pytest.fixture(scope="module")
def bad_node() -> Iterator[str]:
    """Start two machines with a CPU each; give the id of the second."""
    before = dict(os.environ)
    os.environ.update(worker_environment() | {"RAY_worker_niceness": "0"})
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    bad = cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False)
    yield bad.node_id
    ray.shutdown()
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


def trainable(config: dict[str, Any], bad_node: str, marks: Path) -> None:
    """Report a score, except where the directory of the trials is missing.

    Who can report one waits until a trial was on the other machine: else it might do all.
    """
    here = whereabouts()
    if here.node == bad_node:
        (marks / f"{time.monotonic_ns()}").touch()
        error = FileNotFoundError(2, "No such file or directory", f"/mnt/trial-{config['number']}")
        raise BrokenTrialError(**asdict(fault_of(error, here)))
    deadline = time.monotonic() + SECONDS
    while len(list(marks.iterdir())) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    tune.report({SCORE: 0.5, ITERATION: ITERATIONS, NODE: here.node})


def search(live: LiveTrials, budget: Budget, bad_node: str, directory: Path) -> None:
    tune.Tuner(
        tune.with_resources(
            tune.with_parameters(trainable, bad_node=bad_node, marks=directory / "marks"),
            dict(PLACEMENT.driver),
        ),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(live),
            scheduler=StudyScheduler(live),
            num_samples=-1,
            max_concurrent_trials=2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=str(directory),
            stop=budget,
            failure_config=tune.FailureConfig(max_failures=0),
            verbose=0,
        ),
    ).fit()


def test_its_trials_go_elsewhere_and_it_is_struck_off(bad_node: str, tmp_path: Path) -> None:
    notes = Notes()
    live = opener(InMemoryStorage(), budget=TRIALS, pruner="none")()
    live.observer = TrialObserver(notes, tmp_path / "trials")
    live.faults = Faults(room_for_a_trial(PLACEMENT))
    budget = Budget(hours=None, gpu_hours=None, gpu_seconds=lambda: 0.0, faults=live.faults)

    (tmp_path / "marks").mkdir()
    search(live, budget, bad_node, tmp_path)

    assert [trial.state for trial in live.study.trials] == TRIALS * [TrialState.COMPLETE]
    broken = [event for event in notes.events if isinstance(event, TrialBroken)]
    assert len(broken) == 2
    assert all(event.cause.startswith("FileNotFoundError: ") for event in broken)
    struck = [event for event in notes.events if isinstance(event, MachineStruckOff)]
    assert len(struck) == 1
    assert list(live.faults.struck) == [bad_node]
