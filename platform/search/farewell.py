"""The end of a session in order: trials in work save after their step, and are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.tune import Callback, Stopper

from platform.results.events import Progressed
from platform.search.budget import Budget
from platform.search.live_trials import LiveTrials
from platform.search.monitor import Unpickled
from platform.search.trial_protocol import EVENT

# For a step and a checkpoint, over a slow network too. Who asks twice waits no longer.
MOST_SECONDS = 120.0
_WHY = "the search is stopped"


class Farewell(Unpickled, Callback, Stopper):
    """Ends a session for Tune: not before the trials have saved what they have trained.

    A trial that has done no step in this session has nothing to save, and one that has done them
    all has saved; neither is waited for.

    Args:
        budget: says when the session is over.
        live: the trials in work; hands out none from then on.
        iterations: of a whole trial.
        clock: s, monotonic.
    """

    def __init__(
        self,
        budget: Budget,
        live: LiveTrials,
        iterations: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._live, self._iterations = budget, live, iterations
        self._clock = clock
        self._training: dict[str, Any] = {}  # Tune's trials
        self._since: float | None = None

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        event = result.get(EVENT)
        if isinstance(event, Progressed):
            self._training[trial.trial_id] = trial
            if event.iteration >= self._iterations:
                del self._training[trial.trial_id]

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._training.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._training.pop(trial.trial_id, None)

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Leave single trials to the pruner."""
        return False

    def stop_all(self) -> bool:
        """Return whether the session is over, and no trial is waited for."""
        if not self._budget.stop_all():
            return False
        if self._budget.faults.cause is not None:  # what would break the others too
            return True
        if self._since is None:
            self._since = self._clock()
            self._say_so()
        return not self._training or self._clock() - self._since >= MOST_SECONDS

    def _say_so(self) -> None:
        self._live.close()
        for trial in self._training.values():
            trial.temporary_state.ray_actor.end_soon.remote(_WHY)
