"""Tune's controller in simulated time: its calls to our searcher and scheduler, given curves.

What Tune's controller does between its calls (actors, placement groups, files) is left out; which
calls it makes, with what and in which order, is that of ray/tune/execution/tune_controller.py.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from platform.search.faults import Fault
from platform.search.live_trials import LiveTrials
from platform.search.space.checked import Params
from platform.search.trial_protocol import FAILED, ITERATION, OTHER_SCORES, SCORE
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher

# one number, or one of each objective; None cannot be trained
Score: TypeAlias = float | tuple[float, ...] | None
# (number, parameters) -> the score after each equal part of the iterations
Curve: TypeAlias = Callable[[int, Params], Sequence[Score]]


_LOST = Fault(kind="process", cause="its process was killed, or crashed")


class CrashError(Exception):
    """The driver dies; what it had in memory is gone."""


@dataclass
class SimulatedTrial:
    """The part of a Tune trial that schedulers look at."""

    trial_id: str
    config: dict[str, Any]
    done: int  # scores so far, counted from the beginning of the curve
    last_result: dict[str, Any] = field(default_factory=dict)


@dataclass
class Simulator:
    """Drives a search to its end, restarting it whenever it crashes.

    Attributes:
        open_trials: Opens the study as a new process would.
        iterations: Of a whole trial.
        crashes: Controller calls before which the driver dies, counted over all runs.
        breaks: Those before which the trial that is next loses its process.
        lag: How many scores the checkpoint of a trial is behind its last report.
        on_score: Is told the trial, the iteration and the score, as Tune's callbacks are: once the
            scheduler has seen it.
    """

    open_trials: Callable[[], LiveTrials]
    curve: Curve
    iterations: int = 100
    concurrent: int = 2
    crashes: Collection[int] = ()
    breaks: Collection[int] = ()
    lag: int = 1
    on_score: Callable[[int, int, float], None] = lambda number, iteration, score: None
    handed_out: list[tuple[int, Params]] = field(default_factory=list)
    scores: int = 0  # computed in all: what the search cost
    calls: int = 0
    runs: int = 0
    peak: int = 0
    _checkpoints: dict[int, int] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def run(self) -> None:
        """Run until the searcher has finished and no trial is in work."""
        for _ in self.play():
            pass

    def play(self) -> Iterator[int]:
        """Run likewise, yielding after each event how many scores there have been.

        Whoever takes no more of them ends the search there, as a budget does.
        """
        while True:
            self.runs += 1
            try:
                yield from self._play_once()
            except CrashError:
                continue
            return

    def _call(self) -> None:
        self.calls += 1
        if self.calls in self.crashes:
            raise CrashError

    def _play_once(self) -> Iterator[int]:
        live = self.open_trials()
        scheduler = StudyScheduler(live)
        searcher = ConcurrencyLimiter(StudySearcher(live), max_concurrent=self.concurrent)
        events: list[tuple[float, int, SimulatedTrial]] = []
        order = itertools.count()
        now, finished = 0.0, False
        while True:
            while not finished:
                self._call()
                trial_id = f"trial_{next(self._ids)}"
                config: Any = searcher.suggest(trial_id)
                finished = config == Searcher.FINISHED
                if config is None or finished:
                    break
                trial = self._start(trial_id, config)
                heapq.heappush(events, (now + self._duration(trial), next(order), trial))
            self.peak = max(self.peak, len(events))
            if not events:
                return
            now, _, trial = heapq.heappop(events)
            if self.calls in self.breaks:
                live.interrupt(trial.config["number"], _LOST)
                searcher.on_trial_complete(trial.trial_id, error=True)
                self.calls += 1
                continue
            if self._step(trial, scheduler, searcher):
                heapq.heappush(events, (now + self._duration(trial), next(order), trial))
            yield self.scores

    def _start(self, trial_id: str, config: dict[str, Any]) -> SimulatedTrial:
        self.handed_out.append((config["number"], config["params"]))
        return SimulatedTrial(trial_id, config, self._checkpoints.get(config["number"], 0))

    def _duration(self, trial: SimulatedTrial) -> float:
        return 1 + np.random.default_rng([trial.config["number"], trial.done]).random()

    def _step(
        self, trial: SimulatedTrial, scheduler: StudyScheduler, searcher: ConcurrencyLimiter
    ) -> bool:
        """Process the next event of a trial; return whether it goes on."""
        number = trial.config["number"]
        curve = self.curve(number, trial.config["params"])
        self._call()
        if trial.done == len(curve):  # the function has returned
            searcher.on_trial_complete(trial.trial_id, result=trial.last_result)
            return False
        score = curve[trial.done]
        if score is None:
            trial.last_result = {FAILED: "loss is nan"}
            scheduler.on_trial_result(None, cast(Trial, trial), trial.last_result)
            searcher.on_trial_complete(trial.trial_id, result=trial.last_result)
            return False
        trial.done += 1
        self.scores += 1
        self._checkpoints[number] = max(0, trial.done - self.lag)
        first, *others = score if isinstance(score, tuple) else (score,)
        trial.last_result = {
            SCORE: first,
            OTHER_SCORES: others,
            ITERATION: trial.done * self.iterations // len(curve),
        }
        decision = scheduler.on_trial_result(None, cast(Trial, trial), trial.last_result)
        self.on_score(number, trial.last_result[ITERATION], first)
        if decision == TrialScheduler.STOP:
            self._call()
            searcher.on_trial_complete(trial.trial_id, result=trial.last_result)
            return False
        self._call()
        searcher.on_trial_result(trial.trial_id, trial.last_result)
        return True
