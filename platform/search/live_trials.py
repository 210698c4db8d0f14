"""The trials of a study that are in work: handed out, scored, finished. No Ray in here."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState

from platform.results.events import EndState
from platform.search.borders import Borders
from platform.search.faults import Fault, Faults, Outcome
from platform.search.group_sizes import GroupSizes
from platform.search.optuna_internals import asks_to_stop, take_up
from platform.search.retries import count_started, repeat_of
from platform.search.scores import Scores, keep_scores, scores_of, value_of
from platform.search.space.checked import CheckedSpace, Params
from platform.search.trial_protocol import Assignment

_VERDICT = "verdict"  # the trial attribute that says why a trial was stopped
END_STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
# Until Ray counts a lost machine no more: a group would be given workers that had a place there.
SETTLE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class Observer(Protocol):
    """Hears when a trial starts, also again, what breaks it, and when the study knows its end."""

    def started(self, assignment: Assignment) -> None: ...

    def broken(self, number: int, fault: Fault, outcome: Outcome) -> None: ...

    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None: ...


class LiveTrials:
    """What a search knows of its trials, all of it kept in the study.

    Trials that an earlier run left unfinished are handed out first, under their number and with
    their parameters. A verdict (pruned, failed) is in the study before Ray hears of it, and the
    last score before the trial is told complete, so that a crash between the two loses nothing.

    A trial that breaks for a reason of its machine or of the session gets no verdict. It is handed
    out again, as often as the budgets for faults allow, and stays unfinished for the next session.

    Args:
        study: The record; scores are maximised.
        space: What is searched.
        budget: Trials of the study in all, those of earlier runs and failed ones included.
        iterations: Training iterations of a whole trial; the step of its last score.
        observer: Is told of starts and ends, after the study has them.
        faults: The budgets for faults of this session.
        borders: Where trials part; None if they share nothing.
        sizes: Chooses the number of workers of each trial; None if it is the same for all.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: CheckedSpace,
        *,
        budget: int,
        iterations: int,
        observer: Observer | None = None,
        faults: Faults | None = None,
        borders: Borders | None = None,
        sizes: GroupSizes | None = None,
    ) -> None:
        if budget < 1:
            raise ValueError(f"the number of trials is {budget}, but must be at least 1")
        self.study = study
        self.observer = observer
        self.faults = faults or Faults()
        self._space, self._borders, self._sizes = space, borders, sizes
        self._budget = budget
        self._iterations = iterations
        self._trials: dict[int, optuna.Trial] = {}
        self._unfinished: deque[int] = deque()
        self._is_closing = False
        self._settled_at = 0.0  # s, monotonic
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._adopt(trial)

    def _adopt(self, trial: FrozenTrial) -> None:
        self._trials[trial.number] = take_up(self.study, trial)
        if not self._settle(trial.number):
            self._unfinished.append(trial.number)

    def remaining(self) -> int:
        """Return how many trials are still to be handed out, unfinished ones included."""
        return len(self._unfinished) + max(0, self._budget - self._started())

    def _started(self) -> int:
        return count_started(self.study.get_trials(deepcopy=False))

    def next(self) -> Assignment | None:
        """Hand out the next trial: an unfinished one, or a new one while the budget lasts."""
        if self._is_closing or self.faults.cause is not None:
            return None
        if self._sizes and self._unfinished and time.monotonic() < self._settled_at:
            return None  # Tune asks again
        if self._unfinished:
            trial = self._trials[self._unfinished.popleft()]
        elif self._started() < self._budget:
            trial = self.study.ask()
        else:
            return None
        self._trials[trial.number] = trial
        scored, params = tuple(sorted(_scores(trial))), self._space.suggest(trial)
        repeat = repeat_of(self.study, trial.number, params)
        avoid = self.faults.avoided(trial.number)
        borders = self._borders.of(trial.number, params, repeat) if self._borders else ()
        workers = self._workers_of(trial.number, params)
        assignment = Assignment(trial.number, params, scored, repeat, avoid, borders, workers)
        if self.observer:
            self.observer.started(assignment)
        return assignment

    def _workers_of(self, number: int, params: Params) -> int:
        """Return with how many workers a trial begins, or goes on; 0 where all have as many."""
        if self._sizes is None:
            return 0
        in_work = self._trials.keys() - {number, *self._unfinished}
        return self._sizes.choose(number, self._space.recipe_for(params), in_work)

    def may_come_back(self) -> bool:
        """Return whether a trial in work, should it break, would be handed out again."""
        return bool(self._trials) and self.faults.cause is None and not self._is_closing

    def close(self) -> None:
        """Hand out no trial any more: the session ends, and those in work save and stop."""
        self._is_closing = True

    def record(
        self,
        number: int,
        score: float,
        step: int,
        node: str = "",
        *,
        earned: bool = True,
        others: Sequence[float] = (),
    ) -> bool:
        """Record a score, and decide whether the trial goes on.

        The published configuration (trial 0) competes on every rung but is never pruned: the
        search is worth what it gains over a baseline that finished.

        Args:
            number: The trial.
            score: of the search's objective, 0..1. One that is not finite fails the trial.
            step: Training iterations so far. A step that was scored already, or one before it,
                is ignored: it comes from a trial that went back to its last checkpoint.
            node: Ray's id of the machine that it ran on.
            earned: By its own training; a score that is taken over says nothing of the machine.
            others: Scores of the search's other objectives.

        Returns:
            Whether the trial goes on.
        """
        trial = self._trials.get(number)
        if trial is None or _VERDICT in trial.user_attrs:
            return False
        for one in (score, *others):
            if not math.isfinite(one):
                self._decide(trial, TrialState.FAIL, f"score {one} at iteration {step}")
                return False
        if step <= _last_step(trial):
            return True
        keep_scores(trial, (score, *others), step)
        if earned:
            self.faults.succeeded(number, node)
        # asked for trial 0 too, and at the end: the pruner keeps the rungs of all trials
        prune = asks_to_stop(trial)
        if not prune or number == 0 or step >= self._iterations:
            return True
        self._decide(trial, TrialState.PRUNED, f"pruned at iteration {step}")
        return False

    def finish(self, number: int) -> None:
        """Tell the study how a trial ended that Ray says is over.

        A trial that was neither scored to its end nor stopped by us was stopped by someone else (a
        time limit, for instance): it stays unfinished, and the next run takes it up.
        """
        is_in_work = number in self._trials and number not in self._unfinished
        if is_in_work and not self._settle(number):
            _log.warning("trial %d stopped before its last score; a resumed search goes on", number)
            del self._trials[number]

    def interrupt(self, number: int, fault: Fault) -> None:
        """Take note of what broke a trial, and hand it out again or leave it to the next session.

        A trial that had its end already, a verdict or its last score, is told to the study.
        """
        if number not in self._trials or self._settle(number):
            return
        if self._is_closing and fault.kind == "preempted":  # as it was told
            del self._trials[number]
            return
        if fault.kind == "machine":
            self._settled_at = time.monotonic() + SETTLE_SECONDS
        outcome = self.faults.take(number, fault)
        if outcome.goes_on:
            self._unfinished.append(number)
        else:
            del self._trials[number]
        if self.observer:
            self.observer.broken(number, fault, outcome)

    def fail(self, number: int, reason: str) -> None:
        """Tell the study that the configuration of a trial cannot be trained."""
        trial = self._trials.get(number)
        if trial is not None:
            if _VERDICT not in trial.user_attrs:
                self._decide(trial, TrialState.FAIL, reason)
            self._settle(number)

    def _decide(self, trial: optuna.Trial, state: TrialState, reason: str) -> None:
        trial.set_user_attr(_VERDICT, {"state": state.name, "reason": reason})

    def _settle(self, number: int) -> bool:
        """Tell the study the end of a trial, if there is a verdict or a last score."""
        trial = self._trials[number]
        verdict = trial.user_attrs.get(_VERDICT)
        if verdict:
            told = self.study.tell(trial, state=TrialState[verdict["state"]])
        elif _last_step(trial) >= self._iterations:
            told = self.study.tell(trial, _scores(trial)[_last_step(trial)])
        else:
            return False
        del self._trials[number]
        if self.observer:
            reason = verdict["reason"] if verdict else ""
            self.observer.ended(number, told.state, value_of(told), reason)
        return True


def reason_of(trial: FrozenTrial) -> str:
    """Return why a trial was pruned or failed; empty for one that reached its end."""
    return trial.user_attrs.get(_VERDICT, {}).get("reason", "")


def _scores(trial: optuna.Trial) -> dict[int, Scores]:
    # A `Trial` does not show its intermediate values; the study does.
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    assert frozen.number == trial.number, "a study lists its trials by their numbers"
    return scores_of(frozen)


def _last_step(trial: optuna.Trial) -> int:
    return max(_scores(trial), default=-1)
