"""A search from its options to its report."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import optuna
import ray
from ray import tune
from rich.console import Console

from platform.command_line import INTERRUPTED, drawing_progress
from platform.results.board import Board
from platform.results.events import SearchEnded, SearchStarted, Sink, fan_out
from platform.results.progress import make_progress
from platform.results.tables import TrialTables, read_curves, read_trials
from platform.runtime import start_ray
from platform.scoring.pool import PoolOptions, ScoringPool
from platform.training.plan import RunPlan
from platform.tuning.budget import Budget
from platform.tuning.live_trials import LiveTrials
from platform.tuning.options import SearchOptions
from platform.tuning.monitor import EventForwarder, TrialObserver
from platform.tuning.placement import Placement
from platform.tuning.pruners import make_pruner
from platform.tuning.pruning import StudyScheduler
from platform.tuning.samplers import make_sampler
from platform.tuning.searcher import StudySearcher
from platform.tuning.setup import (
    TUNE_SPLIT,
    SearchSetup,
    check_dataset,
    check_options,
    local_node,
    place_search,
)
from platform.tuning.study import default_storage, open_storage, open_study
from platform.tuning.trial import TrialPlan, run_trial
from platform.tuning.winner import finish_search
from toco_core.overrides import dump_recipe

# A trial whose process dies (memory, a lost machine) goes on from its checkpoint so many times.
MAX_TRIAL_FAILURES = 2


def run_search(options: SearchOptions) -> int:
    """Run or resume a search; return the exit status of the command.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    space, name = check_options(options)
    address = options.resources.address or os.environ.get("RAY_ADDRESS")
    images_per_step = space.recipe.data.images_per_step
    if not address:  # refused before Ray, which takes seconds, is started
        place_search([local_node()], options.resources, images_per_step)
    with drawing_progress(console) as progress:
        setup = check_dataset(space, name, options, progress)
    setup.directory.mkdir(parents=True, exist_ok=True)
    study = _open_study(setup, options)
    _write_settings(setup, options)
    console.print(f"starting Ray (its log: {_shown(setup.log_file)})", style="dim")
    _quiet_tune()
    with start_ray(setup.log_file, address=address):
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        placement = place_search(nodes, options.resources, images_per_step)
        return _Search(setup, options, placement, study, console).run()


def _open_study(setup: SearchSetup, options: SearchOptions) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return open_study(
        open_storage(options.study or default_storage(setup.directory)),
        setup.name,
        setup.space,
        sampler=make_sampler(options.sampler, setup.space, options.seed),
        pruner=make_pruner(options.pruner, setup.space.recipe.iterations),
        extra=setup.fingerprint(),
    )


def _write_settings(setup: SearchSetup, options: SearchOptions) -> None:
    command = " ".join(["python -m platform.search", *sys.argv[1:]])
    text = f"# The recipe of {setup.name}, every setting resolved. Made by: {command}\n"
    (setup.directory / "recipe.yaml").write_text(text + dump_recipe(setup.space.recipe))


def _shown(path: Path) -> str:
    """Return a path as short as it can be from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _quiet_tune() -> None:
    """Switch off what Tune would print, log and save beside us: the study is the record."""
    variables = {
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_MAX_PENDING_TRIALS_PG": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "3600",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_TRAIN_V2_ENABLED": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours
    }
    os.environ.update(variables)


class _Search:
    """One session of a search, on a Ray that is up."""

    def __init__(
        self,
        setup: SearchSetup,
        options: SearchOptions,
        placement: Placement,
        study: optuna.Study,
        console: Console,
    ) -> None:
        self._setup, self._options, self._study = setup, options, study
        self._placement, self._console = placement, console

    def run(self) -> int:
        resources = self._options.resources
        pool = ScoringPool(
            PoolOptions(
                workers=resources.scorers,
                cpus=resources.scorer_cpus,
                gpus=resources.scorer_gpus,
            )
        )
        try:
            budget = self._search(pool)
            if budget.stop_all():
                return self._say_how_to_resume(budget)
            return finish_search(self._setup, self._study, pool.client, self._console)
        finally:
            pool.stop()

    def _search(self, pool: ScoringPool) -> Budget:
        """Run the trials; return the budget, which knows whether it ended them early."""
        setup, options = self._setup, self._options
        sink = fan_out(
            TrialTables(setup.directory),
            Board(setup.directory),
            make_progress(self._console, read_trials(setup.directory)),
        )
        gpus = options.resources.gpus * options.resources.workers
        forwarder = EventForwarder(sink, gpus)
        trained = sum(row["seconds_training"] for row in read_curves(setup.directory))
        budget = Budget(
            hours=options.hours,
            gpu_hours=options.gpu_hours,
            gpu_seconds=lambda: trained * gpus + forwarder.gpu_seconds,
        )
        finished = [t for t in self._study.get_trials(deepcopy=False) if t.state.is_finished()]
        sink.handle(
            SearchStarted(
                name=setup.name,
                trials=options.trials,
                iterations=setup.space.recipe.iterations,
                directory=setup.directory,
                log_file=setup.log_file,
                resumed=len(finished),
            )
        )
        try:
            self._tune(sink, pool, forwarder, budget)
        finally:
            sink.handle(SearchEnded(interrupted=budget.interrupted))
        return budget

    def _tune(
        self, sink: Sink, pool: ScoringPool, forwarder: EventForwarder, budget: Budget
    ) -> None:
        setup, placement = self._setup, self._placement
        live = LiveTrials(
            self._study,
            setup.space,
            budget=self._options.trials,
            iterations=setup.space.recipe.iterations,
            observer=TrialObserver(sink, setup.trials_directory),
        )
        if live.remaining() == 0:
            return
        trainable = tune.with_resources(
            partial(run_trial, plan=self._trial_plan(pool)), self._trial_resources()
        )
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(live),
                scheduler=StudyScheduler(live),
                num_samples=live.remaining(),
                max_concurrent_trials=placement.max_concurrent_trials,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name=time.strftime("session-%Y%m%d-%H%M%S"),
                storage_path=str(setup.directory / "sessions"),
                callbacks=[forwarder],
                stop=budget,
                failure_config=tune.FailureConfig(max_failures=MAX_TRIAL_FAILURES),
                verbose=0,
            ),
        )
        with self._ctrl_c_stops(budget):
            tuner.fit()

    def _trial_plan(self, pool: ScoringPool) -> TrialPlan:
        setup = self._setup
        return TrialPlan(
            base=RunPlan(
                number=0,
                recipe=setup.space.recipe,
                dataset=setup.dataset,
                split=TUNE_SPLIT,
                directory=str(setup.trials_directory),
                num_workers=self._options.resources.loaders,
            ),
            placement=self._placement,
            client=pool.client,
        )

    def _trial_resources(self) -> dict[str, float]:
        return dict(self._placement.driver)

    @contextmanager
    def _ctrl_c_stops(self, budget: Budget) -> Iterator[None]:
        """Let the first Ctrl-C end the session in order, and a second one break off at once."""

        def stop(_signal: int, _frame: object) -> None:
            signal.signal(signal.SIGINT, before)
            self._console.print("stopping the trials; Ctrl-C again breaks off at once")
            budget.interrupt()

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _say_how_to_resume(self, budget: Budget) -> int:
        why = "interrupted" if budget.interrupted else f"{budget.spent()} are spent"
        place = _shown(self._setup.directory.parent)
        self._console.print(
            f"{why}; nothing is lost: the same command goes on where this one stopped "
            f"(--name {self._setup.name} --reports {place})"
        )
        return INTERRUPTED if budget.interrupted else 0
