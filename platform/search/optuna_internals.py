"""What is needed of Optuna that it does not offer to users; nothing else touches its inside."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import FrozenTrial


def take_up(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """Return a trial that another process has begun, to go on with it under its number."""
    return optuna.Trial(study, trial._trial_id)


def enqueued_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters that `Study.enqueue_trial` has fixed for a trial."""
    return trial.system_attrs.get("fixed_params", {})
