"""Ray Tune asks here whether a trial goes on, and tells what broke one; the study decides."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from platform.cluster.ray_internals import error_of
from platform.cluster.whereabouts import avoiding
from platform.results.formats import duration
from platform.search.fault_causes import fault_of
from platform.search.faults import Fault
from platform.search.live_trials import LiveTrials
from platform.search.stalls import StallWatch
from platform.search.trial_protocol import FAILED, NODE, SCORE
from platform.search.tune_results import record_result


class StudyScheduler(FIFOScheduler):
    """Tune's scheduler that stops what the study's pruner prunes.

    It starts trials in the order in which they come. Steps are training iterations: Tune's own
    count of results begins again when a trial does.

    Args:
        trials: The trials in work, shared with the `StudySearcher`.
        watch: Knows which of them were ended because they made no progress.
    """

    def __init__(self, trials: LiveTrials, watch: StallWatch | None = None) -> None:
        super().__init__()
        self._live = trials
        self._watch = watch or StallWatch()

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Have a trial that must avoid machines ask for a place on another one."""
        if selector := avoiding(trial.config["avoid"]):
            asked: Any = trial.placement_group_factory
            bundles = asked.bundles
            selectors = [selector] * len(bundles)
            place = tune.PlacementGroupFactory(bundles, bundle_label_selector=selectors)
            trial.update_resources(place)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Record a score and return whether the trial goes on; a result without one passes."""
        number = trial.config["number"]
        if FAILED in result:
            self._live.fail(number, str(result[FAILED]))
            return TrialScheduler.STOP
        if SCORE not in result:
            return TrialScheduler.CONTINUE
        goes_on = record_result(self._live, number, result)
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Take note of what broke an attempt at a trial; Tune itself tries none again."""
        number, fault = trial.config["number"], fault_of(error_of(trial))
        seconds = self._watch.take_stalled(number)
        if seconds is not None:
            node = (trial.last_result or {}).get(NODE, "")
            cause = f"no progress for {duration(seconds)}"
            fault = Fault(kind="stalled", cause=cause, machine=fault.machine, node=node)
        self._live.interrupt(number, fault)
