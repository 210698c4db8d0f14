"""Ray Tune tells here which trials move; those that do not are shown, and their process ended."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial

from platform.results.events import Progressed, Sink, TrialSilent
from platform.search.monitor import Unpickled
from platform.search.stalls import StallWatch
from platform.search.trial_protocol import EVENT

_LOOK_SECONDS = 1.0  # between two looks


class StallCallback(Unpickled, Callback):
    """Ends the process of a trial that makes no progress: what follows is as for a lost one.

    Args:
        watch: knows who has moved.
        sink: is told who has not.
        iterations: of a whole trial; who has trained them waits for scores, however long.
    """

    def __init__(self, watch: StallWatch, sink: Sink, iterations: int) -> None:
        self.watch, self._sink, self._iterations = watch, sink, iterations
        self._next_look = 0.0

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.watch.started(trial.config["number"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        event, number = result.get(EVENT), trial.config["number"]
        if isinstance(event, Progressed) and event.iteration >= self._iterations:
            self.watch.over(number)
        else:
            self.watch.moved(number)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.watch.over(trial.config["number"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.watch.over(trial.config["number"])

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        for silence in self.watch.silent():
            self._sink.handle(TrialSilent(number=silence.number, seconds=silence.seconds))
        for number in self.watch.stalled():
            _end_process(number, trials)


def _end_process(number: int, trials: list[Any]) -> None:
    for trial in reversed(trials):
        if trial.status == Trial.RUNNING and trial.config["number"] == number:
            ray.kill(trial.temporary_state.ray_actor)
            return
