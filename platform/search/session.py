"""One session of a search, on a Ray that is up: evaluation workers, trials, the winner's score."""

from __future__ import annotations

import shutil
import sys
from functools import partial

import optuna
from optuna.trial import TrialState
from rich.console import Console

from platform.cluster.machines import growth_lines
from platform.cluster.placement import Placement, Resources
from platform.cluster.remote import cluster_machines, machines_up, memory_of
from platform.command_line import FAILED, INTERRUPTED, shown_path
from platform.forecast.estimate import forecast
from platform.forecast.lines import plan_lines, warning
from platform.interruption import asked_to_stop
from platform.resource_ranges import Between
from platform.results.curves import read_curves
from platform.results.events import SearchEnded, SearchStarted, fan_out
from platform.results.progress import make_progress
from platform.results.state_file import StateFile
from platform.results.tables import TrialTables, read_trials
from platform.results.trackers import make_trackers
from platform.search.backbone import encoder_size
from platform.search.borders import Borders
from platform.search.budget import Budget, worker_seconds
from platform.search.faults import RETRIES, Faults
from platform.search.group_sizes import GroupSizes
from platform.search.kept import disk_line, keep_best
from platform.search.live_trials import LiveTrials
from platform.search.machines import place_in_memory, prove_places
from platform.search.monitor import EventForwarder, TrialObserver
from platform.search.options import SearchOptions
from platform.search.search_summary import print_summary
from platform.search.setup import TUNE_SPLIT, SearchSetup
from platform.search.stall_callback import StallCallback
from platform.search.stalls import StallWatch
from platform.search.study import is_over
from platform.search.tune import make_trial_plan, make_tuner, room_for_a_trial, run_tuner
from platform.search.winner import report_winner
from platform.train.plan import score_points
from platform.train.prefix_store import KEPT
from platform.workers.executor import Executor
from platform.workers.pool import EvaluationPool, PoolOptions
from toco_core.cost import checkpoint_bytes
from toco_core.scoring.image_counts import MOST_IMAGES


class Session:
    """What happens between the start of Ray and its end.

    Args:
        setup: of the search.
        options: of the command.
        study: the record, opened.
        console: where the search is shown.

    Raises:
        ValueError: the machines cannot ever hold a trial, or one does not see what all must.
    """

    count_images = MOST_IMAGES  # of the last score of each trial, kept one by one

    def __init__(
        self, setup: SearchSetup, options: SearchOptions, study: optuna.Study, console: Console
    ) -> None:
        self._setup, self._options, self._study, self._console = setup, options, study, console
        self._state_file = StateFile(setup.directory)
        self._machines = cluster_machines(options.resources.cluster)
        self._fitted = place_in_memory(self._machines, memory_of(self._machines.up), options, setup)
        self._placement = self._fitted.placement
        self._places = prove_places(self._machines, options, setup)
        workers = options.resources.workers
        # Objects of a store have no second name. And a prefix is one of so many workers.
        shares = options.share_prefixes and setup.store is None and isinstance(workers, int)
        self._borders = Borders(setup.space, study, options.trials) if shares else None
        self._sizes = self._group_sizes(workers) if isinstance(workers, Between) else None

    def _group_sizes(self, workers: Between) -> GroupSizes:
        return GroupSizes(workers, self._placement, up_resources, self._machines.possible)

    def run(self) -> int:
        """Run the trials that are left, then score the winner; return the exit status."""
        pool = EvaluationPool(PoolOptions.of(self._placement))
        try:
            self._print_plan()
            budget = self._run_trials(pool)
            if budget.interrupted or not is_over(self._study, self._options.trials):
                return self._say_how_to_resume(budget)
            self._state_file.enter("scoring the winner")
            self._score(pool.executor)
            shutil.rmtree(self._setup.prefixes_directory, ignore_errors=True)  # of no more trials
            self._state_file.enter("finished")
        finally:
            self._state_file.close()
            pool.stop()
        return self._conclude(budget)

    def _score(self, executor: Executor) -> None:
        """Score on `report` what the session was for; every trial has ended."""
        report_winner(self._setup, self._study, executor, self._console)

    def _conclude(self, budget: Budget) -> int:
        """Show what came of it; return the exit status."""
        struck = budget.faults.struck.values()
        return print_summary(self._setup, self._study, self._console, struck)

    def _print_plan(self) -> None:
        recipe = self._setup.space.recipe
        images = self._setup.info.splits[TUNE_SPLIT].images
        size = encoder_size(recipe.backbone)
        machines = [*self._machines.resources, *self._machines.possible]
        plan = forecast(machines, self._placement, recipe, size, images)
        disk = disk_line(
            self._setup.kept_in,
            checkpoint_bytes(recipe, size),
            self._placement.max_concurrent_trials,
            self._options.keep,
            KEPT if self._borders and self._borders.will_be_shared else 0,
        )
        lines = (*growth_lines(self._machines), *plan_lines(plan), *self._fitted.lines, disk)
        for line in lines:
            self._console.print(line, style="dim", highlight=False, soft_wrap=True)
        for text in filter(None, (warning(plan), self._fitted.warning)):
            self._console.print(f"warning: {text}", highlight=False, soft_wrap=True)

    def _run_trials(self, pool: EvaluationPool) -> Budget:
        """Show and keep what the trials do; return the budget, which may have ended them."""
        directory = self._setup.directory
        earlier = read_trials(directory)
        progress = make_progress(self._console, earlier)
        sink = fan_out(
            TrialTables(directory),
            *make_trackers(self._options.tracker, directory, earlier),
            self._state_file,
            progress,
        )
        gpus = self._placement.gpus_per_trial / max(self._placement.workers_per_trial, 1)
        forwarder = EventForwarder(sink, gpus)
        trials = self._setup.trials_directory
        keep = partial(keep_best, self._study, trials, self._options.keep)
        observer = TrialObserver(sink, trials, keep)
        watch = StallWatch(self._options.stall_minutes)
        stalls = StallCallback(watch, sink, self._setup.space.recipe.iterations)
        budget = self._budget(gpus, forwarder)

        def stop() -> None:
            self._console.print("stopping the trials; Ctrl-C again breaks off at once")
            budget.interrupt()

        with asked_to_stop(stop):
            try:
                sink.handle(self._started())
                observer.catch_up(self._study, earlier)
                self._tune(pool, forwarder, stalls, observer, budget)
            finally:
                sink.handle(SearchEnded(interrupted=budget.interrupted))
        return budget

    def _budget(self, gpus: float, forwarder: EventForwarder) -> Budget:
        trained = self._seconds_trained()
        return Budget(
            faults=Faults(room_for_a_trial(self._placement, self._machines.possible)),
            hours=self._options.hours,
            gpu_hours=self._options.gpu_hours,
            gpu_seconds=lambda: trained * gpus + forwarder.gpu_seconds,
        )

    def _seconds_trained(self) -> float:
        """Return how long the workers of earlier sessions trained that the budget counts."""
        return worker_seconds(read_curves(self._setup.directory), self._placement)

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
            score_points=score_points(self._setup.space.recipe),
            trial_needs=trial_needs(self._placement),
        )

    def _tune(
        self,
        pool: EvaluationPool,
        forwarder: EventForwarder,
        stalls: StallCallback,
        observer: TrialObserver,
        budget: Budget,
    ) -> None:
        live = LiveTrials(
            self._study,
            self._setup.space,
            budget=self._options.trials,
            iterations=self._setup.space.recipe.iterations,
            observer=observer,
            faults=budget.faults,
            borders=self._borders,
            sizes=self._sizes,
        )
        if live.remaining() == 0 or budget.interrupted:
            return
        plan = make_trial_plan(
            self._setup,
            self._placement,
            pool.executor,
            self._places,
            count_images=self.count_images,
            share_prefixes=self._borders is not None,
        )
        storage = str(self._setup.directory / "sessions")
        tuner = make_tuner(plan, live, forwarder, stalls, budget, storage)
        try:
            run_tuner(tuner)
        finally:  # what Tune keeps of a session grows with its trials, and nothing reads it
            shutil.rmtree(storage, ignore_errors=True)

    def _say_how_to_resume(self, budget: Budget) -> int:
        broken = self._say_what_broke(budget.faults)
        repair = "after the repair " if broken else ""
        spent = budget.spent()
        why = f"{spent} are spent" if spent else "trials are left unfinished"
        self._console.print(
            f"{'interrupted' if budget.interrupted else why}; nothing is lost: {repair}"
            f"{self._what_goes_on()}",
            soft_wrap=True,
        )
        if budget.interrupted:
            return INTERRUPTED
        return FAILED if broken else 0

    def _what_goes_on(self) -> str:
        """Say which command goes on."""
        store = self._setup.store
        place = shown_path(self._setup.directory.parent) if store is None else store.parent
        return (
            "the same command goes on where this one stopped "
            f"(--name {self._setup.name} --reports {place})"
        )

    def _say_what_broke(self, faults: Faults) -> bool:
        """Say what left trials unfinished, if anything did, and return whether it did."""
        tries = f"{RETRIES + 1} times without a new score in between"
        lines = [
            f"trial {number} broke {tries}, at last: {fault}"
            for number, fault in faults.set_aside.items()
        ]
        if faults.cause is not None:
            lines = [f"trials break again and again, whatever their parameters: {faults.cause}"]
        for line in lines:
            print(f"error: {line}", file=sys.stderr)
        return bool(lines)


def up_resources() -> list[Resources]:
    """Return the resources of each machine that is up, the head first."""
    return [machine.resources for machine in machines_up()]


def trial_needs(placement: Placement) -> str:
    """Say what a training worker of a trial needs of its machine: 4 CPU, 1 GPU."""
    bundle = placement.worker or placement.driver
    return ", ".join(f"{amount:g} {kind}" for kind, amount in sorted(bundle.items()) if amount)
