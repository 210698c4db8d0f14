"""Failed trials that are tried again (`--retry-failed`), each under a number of its own.

Optuna reopens no trial that has ended: the new one has the parameters and the seed of the failed
one, which keeps its number, its reason and its curves, and counts no longer among `--trials`.
"""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from platform.search.space.checked import Params

_RETRY_OF = "retry_of"  # the trial attribute: the number of the failed one


def enqueue_failed(study: optuna.Study) -> list[int]:
    """Enqueue every failed trial that has no retry yet; return their numbers."""
    trials = study.get_trials(deepcopy=False)
    retried = superseded(trials)
    failed = [
        trial
        for trial in trials
        if trial.state is TrialState.FAIL and trial.params and trial.number not in retried
    ]
    for trial in failed:
        study.enqueue_trial(trial.params, user_attrs={_RETRY_OF: trial.number})
    return [trial.number for trial in failed]


def superseded(trials: Sequence[FrozenTrial]) -> set[int]:
    """Return the numbers of failed trials that have a retry."""
    numbers = (trial.user_attrs.get(_RETRY_OF) for trial in trials)
    return {number for number in numbers if number is not None}


def count_started(trials: Sequence[FrozenTrial]) -> int:
    """Return how many trials of a budget are begun; a failed one and its retry are one."""
    return sum(trial.state is not TrialState.WAITING for trial in trials) - len(superseded(trials))


def repeat_of(study: optuna.Study, number: int, params: Params) -> int:
    """Return how many trials before that of a number have the same parameters.

    A retry repeats nothing: it has the count of the failed trial, and so its seed.
    """
    trials = study.get_trials(deepcopy=False)
    while (failed := trials[number].user_attrs.get(_RETRY_OF)) is not None:
        number = failed
    return sum(t.params == params and _RETRY_OF not in t.user_attrs for t in trials[:number])
