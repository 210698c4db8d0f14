"""Ray Tune asks here for configurations; the Optuna study proposes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ray.tune.search import Searcher

from platform.search.live_trials import LiveTrials
from platform.search.trial_protocol import ITERATION, SCORE
from platform.search.tune_results import record_result


class StudySearcher(Searcher):
    """Tune's searcher over a study: it keeps nothing that the study does not hold.

    Args:
        trials: The trials in work, shared with the `StudyScheduler`.
    """

    def __init__(self, trials: LiveTrials) -> None:
        # No metric: Tune would end the whole search at the first result without a score.
        super().__init__()
        self._live = trials
        self._numbers: dict[str, int] = {}  # Tune's trial -> the study's

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Accept a `param_space` of constants; the searched values come from the study."""
        return metric is None

    def suggest(self, trial_id: str) -> Any:
        """Return the fields of an `Assignment`; nothing for now; or that the budget is spent.

        Each attempt at a trial is a trial of Tune's. While one is in work there may be another.
        """
        assignment = self._live.next()
        if assignment is None:
            return None if self._live.may_come_back() else Searcher.FINISHED
        self._numbers[trial_id] = assignment.number
        return asdict(assignment)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the study how the trial ended; of an error the scheduler has told it."""
        number = self._numbers.pop(trial_id, None)
        if number is None or error:
            return
        if result and SCORE in result and ITERATION in result:
            # Tune shows a result that meets a stopping criterion to no scheduler
            record_result(self._live, number, result)
        self._live.finish(number)

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the study is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: the study is the record."""
