"""Trials on Ray Tune whose training is empty: what is left is what a trial costs by itself."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from ray import tune

from benchmarks.simulated_search import SCORES, full_space, kilobytes, megabytes
from platform.cluster.runtime import start_ray
from platform.results.events import Event, TrialPlaced, TrialStarted
from platform.search.live_trials import LiveTrials
from platform.search.monitor import EventForwarder, TrialObserver
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.study import default_storage, open_storage, open_study
from platform.search.trial_protocol import ITERATION, SCORE
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher


@dataclass(frozen=True)
class Cost:
    """What trials on Ray cost without any training.

    Attributes:
        trials: so many there were.
        ray: until Ray was up, s.
        cold: from there until the first trial ran, s.
        warm: from when a later trial was handed out until it ran, s; the median.
        each: wall time of a trial after the first, s.
        megabytes: of this process, at most.
        ray_kilobytes: logs and other files of Ray, all in all.
    """

    trials: int
    ray: float
    cold: float
    warm: float
    each: float
    megabytes: float
    ray_kilobytes: float


@dataclass
class _Moments:
    """A sink that notes when trials were handed out, and when they ran."""

    handed_out: dict[int, float] = field(default_factory=dict)
    ran: dict[int, float] = field(default_factory=dict)

    def handle(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self.handed_out[event.number] = time.perf_counter()
        elif isinstance(event, TrialPlaced):
            self.ran.setdefault(event.number, time.perf_counter())


def empty_training(config: Mapping[str, Any], iterations: int) -> None:
    """Report scores that rise at once, and so that no trial is pruned."""
    for part in range(1, SCORES + 1):
        score = 0.1 * part + 1e-4 * config["number"]
        tune.report({SCORE: score, ITERATION: iterations * part // SCORES})


def run_empty_trials(directory: Path, trials: int, concurrent: int = 2) -> Cost:
    """Run trials on a Ray of our own, one CPU each of as many as run at once."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    os.environ |= {"TUNE_MAX_PENDING_TRIALS_PG": str(concurrent), "RAY_CHDIR_TO_TRIAL_DIR": "0"}
    began, moments = time.perf_counter(), _Moments()
    with start_ray(directory / "ray.log", num_cpus=concurrent, dashboard=False) as context:
        up = time.perf_counter()
        _tuner(directory, trials, concurrent, moments).fit()
        over = time.perf_counter()
        logs = kilobytes(Path(context.address_info["session_dir"]))
    first = min(moments.ran.values())
    waits = [moments.ran[n] - moments.handed_out[n] for n in moments.ran if n >= concurrent]
    each = (over - first) / trials
    return Cost(trials, up - began, first - up, statistics.median(waits), each, megabytes(), logs)


def _tuner(directory: Path, trials: int, concurrent: int, moments: _Moments) -> tune.Tuner:
    space = full_space()
    iterations = space.recipe.iterations
    study = open_study(
        open_storage(default_storage(directory)),
        "empty",
        space,
        sampler=make_sampler("random", space, seed=0),
        pruner=make_pruner("none", iterations),
    )
    observer = TrialObserver(moments, directory / "trials")
    live = LiveTrials(study, space, budget=trials, iterations=iterations, observer=observer)
    training = tune.with_parameters(empty_training, iterations=iterations)
    return tune.Tuner(
        tune.with_resources(training, {"CPU": 1}),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(live),
            scheduler=StudyScheduler(live),
            num_samples=trials,
            max_concurrent_trials=concurrent,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="empty",
            storage_path=str(directory / "sessions"),
            callbacks=[EventForwarder(moments, 0.0)],
            verbose=0,
        ),
    )
