"""Ray Tune asks here whether a trial goes on; the pruner of the Optuna study decides."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from platform.search.live_trials import LiveTrials
from platform.search.trial_protocol import FAILED, ITERATION, SCORE


class StudyScheduler(FIFOScheduler):
    """Tune's scheduler that stops what the study's pruner prunes.

    It starts trials in the order in which they come. Steps are training iterations: Tune's own
    count of results begins again when a trial does.

    Args:
        trials: The trials in work, shared with the `StudySearcher`.
    """

    def __init__(self, trials: LiveTrials) -> None:
        super().__init__()
        self._live = trials

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Record a score and return whether the trial goes on; a result without one passes."""
        number = trial.config["number"]
        if FAILED in result:
            self._live.fail(number, str(result[FAILED]))
            return TrialScheduler.STOP
        if SCORE not in result:
            return TrialScheduler.CONTINUE
        goes_on = self._live.record(number, float(result[SCORE]), int(result[ITERATION]))
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP
