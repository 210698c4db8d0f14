"""What is needed of Optuna that it does not offer to users; nothing else touches its inside."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import FrozenTrial


def take_up(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """Return a trial that another process has begun, to go on with it under its number."""
    return optuna.Trial(study, trial._trial_id)


def keep_intermediate(trial: optuna.Trial, value: float, step: int) -> None:
    """Keep an intermediate value as `Trial.report` does, which refuses several objectives."""
    trial.storage.set_trial_intermediate_value(trial._trial_id, step, value)
    trial._cached_frozen_trial.intermediate_values[step] = value


def asks_to_stop(trial: optuna.Trial) -> bool:
    """Ask the study's pruner, as `Trial.should_prune` does, which refuses several objectives."""
    study = trial.study
    if len(study.directions) == 1:
        return trial.should_prune()
    return study.pruner.prune(study, study._storage.get_trial(trial._trial_id))


def enqueued_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters that `Study.enqueue_trial` has fixed for a trial."""
    return trial.system_attrs.get("fixed_params", {})
