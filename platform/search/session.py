"""One session of a search, on a Ray that is up: evaluation workers, trials, the winner's score."""

from __future__ import annotations

import os

import optuna
from optuna.trial import TrialState
from rich.console import Console

from platform.cluster.remote import cluster_nodes
from platform.command_line import INTERRUPTED
from platform.forecast.estimate import forecast
from platform.forecast.lines import plan_lines, warning
from platform.interruption import asked_to_stop
from platform.results.curves import read_curves
from platform.results.events import SearchEnded, SearchStarted, fan_out
from platform.results.progress import make_progress
from platform.results.tables import TrialTables, read_trials
from platform.results.tensorboard import TensorBoardSink
from platform.search.budget import Budget
from platform.search.live_trials import LiveTrials
from platform.search.monitor import EventForwarder, TrialObserver
from platform.search.options import SearchOptions
from platform.search.search_summary import print_summary
from platform.search.setup import TUNE_SPLIT, SearchSetup, encoder_size, place_search
from platform.search.study import is_over
from platform.search.tune import make_trial_plan, make_tuner
from platform.search.winner import report_winner
from platform.workers.pool import EvaluationPool, PoolOptions


class Session:
    """What happens between the start of Ray and its end.

    Args:
        setup: of the search.
        options: of the command.
        study: the record, opened.
        console: where the search is shown.

    Raises:
        ValueError: the machines cannot ever hold a trial.
    """

    def __init__(
        self, setup: SearchSetup, options: SearchOptions, study: optuna.Study, console: Console
    ) -> None:
        self._setup, self._options, self._study, self._console = setup, options, study, console
        self._nodes = cluster_nodes()
        self._placement = place_search(self._nodes, options.resources, setup.space.recipe)

    def run(self) -> int:
        """Run the trials that are left, then score the winner; return the exit status."""
        pool = EvaluationPool(PoolOptions.of(self._placement))
        try:
            self._print_plan()
            budget = self._run_trials(pool)
            if not is_over(self._study, self._options.trials):
                return self._say_how_to_resume(budget)
            report_winner(self._setup, self._study, pool.executor)
        finally:
            pool.stop()
        return print_summary(self._setup, self._study, self._console)

    def _print_plan(self) -> None:
        recipe = self._setup.space.recipe
        images = self._setup.info.splits[TUNE_SPLIT].images
        size = encoder_size(recipe.backbone)
        plan = forecast(self._nodes, self._placement, recipe, size, images)
        for line in plan_lines(plan):
            self._console.print(line, style="dim", highlight=False, soft_wrap=True)
        if text := warning(plan):
            self._console.print(f"warning: {text}", highlight=False, soft_wrap=True)

    def _run_trials(self, pool: EvaluationPool) -> Budget:
        """Show and keep what the trials do; return the budget, which may have ended them."""
        directory = self._setup.directory
        earlier = read_trials(directory)
        progress = make_progress(self._console, earlier)
        sink = fan_out(TrialTables(directory), TensorBoardSink(directory, earlier), progress)
        gpus = self._placement.gpus_per_trial
        forwarder = EventForwarder(sink, gpus)
        observer = TrialObserver(sink, self._setup.trials_directory)
        budget = self._budget(gpus, forwarder)
        try:
            sink.handle(self._started())
            observer.catch_up(self._study, earlier)
            self._tune(pool, forwarder, observer, budget)
        finally:
            sink.handle(SearchEnded(interrupted=budget.interrupted))
        return budget

    def _budget(self, gpus: float, forwarder: EventForwarder) -> Budget:
        trained = sum(row["seconds_training"] for row in read_curves(self._setup.directory))
        return Budget(
            hours=self._options.hours,
            gpu_hours=self._options.gpu_hours,
            gpu_seconds=lambda: trained * gpus + forwarder.gpu_seconds,
        )

    def _started(self) -> SearchStarted:
        trials = self._study.get_trials(deepcopy=False)
        return SearchStarted(
            name=self._setup.name,
            trials=self._options.trials,
            iterations=self._setup.space.recipe.iterations,
            directory=self._setup.directory,
            log_file=self._setup.log_file,
            objective=self._setup.objective.name,
            resumed=sum(trial.state is not TrialState.WAITING for trial in trials),
        )

    def _tune(
        self,
        pool: EvaluationPool,
        forwarder: EventForwarder,
        observer: TrialObserver,
        budget: Budget,
    ) -> None:
        live = LiveTrials(
            self._study,
            self._setup.space,
            budget=self._options.trials,
            iterations=self._setup.space.recipe.iterations,
            observer=observer,
        )
        if live.remaining() == 0:
            return
        plan = make_trial_plan(self._setup, self._placement, pool.executor)
        storage = str(self._setup.directory / "sessions")
        tuner = make_tuner(plan, live, forwarder, budget, storage)

        def stop() -> None:
            self._console.print("stopping the trials; Ctrl-C again breaks off at once")
            budget.interrupt()

        with asked_to_stop(stop):
            tuner.fit()

    def _say_how_to_resume(self, budget: Budget) -> int:
        spent = budget.spent()
        why = f"{spent} are spent" if spent else "trials are left unfinished"
        place = os.path.relpath(self._setup.directory.parent)
        self._console.print(
            f"{'interrupted' if budget.interrupted else why}; nothing is lost: the same command "
            f"goes on where this one stopped (--name {self._setup.name} --reports {place})",
            soft_wrap=True,
        )
        return INTERRUPTED if budget.interrupted else 0
