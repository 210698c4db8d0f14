"""The trials of an Optuna study as the curve model sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from platform.search.curve.rows import Observed
from platform.search.retries import superseded
from platform.search.space.cube import Cube


def observe(
    trials: Sequence[FrozenTrial],
    cube: Cube,
    iterations: int,
    keys: Sequence[str] | None = None,
) -> list[Observed]:
    """Return the trials that have their parameters; failed ones that are tried again are left out.

    Args:
        trials: of a study.
        cube: of its search space.
        iterations: of a whole training; the step of a last score.
        keys: the settings that are looked at, as if the others had the recipe's values; all.
    """
    retried = superseded(trials)
    started = [t for t in trials if has_parameters(t) and t.number not in retried]
    seen = ({k: v for k, v in t.params.items() if not keys or k in keys} for t in started)
    features = cube.features(cube.places(seen))
    return [_observed(trial, row, iterations) for trial, row in zip(started, features, strict=True)]


def has_parameters(trial: FrozenTrial) -> bool:
    """Whether a trial was handed out, so that its configuration is known."""
    return bool(trial.params) and trial.state != TrialState.WAITING


def _observed(trial: FrozenTrial, features: np.ndarray, iterations: int) -> Observed:
    steps = sorted(trial.intermediate_values)
    return Observed(
        number=trial.number,
        features=features,
        progress=np.minimum(np.array(steps, float) / iterations, 1.0),
        scores=np.array([trial.intermediate_values[step] for step in steps], float),
        running=trial.state == TrialState.RUNNING,
        failed=trial.state == TrialState.FAIL,
    )
