"""The trials of an Optuna study as the curve model sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from platform.search.curve.rows import Observed
from platform.search.retries import superseded
from platform.search.scores import scores_of
from platform.search.space.cube import Cube

Array: TypeAlias = NDArray[np.float64]
Combine: TypeAlias = Callable[[Array], Array]  # scores of K objectives to one, (S, K) -> (S,)


def one_objective(place: int) -> Combine:
    """Return what takes the scores of one of several objectives."""
    return lambda scores: scores[:, place]


FIRST = one_objective(0)


def observe(
    trials: Sequence[FrozenTrial],
    cube: Cube,
    iterations: int,
    keys: Sequence[str] | None = None,
    combine: Combine = FIRST,
) -> list[Observed]:
    """Return the trials that have their parameters; failed ones that are tried again are left out.

    Args:
        trials: of a study.
        cube: of its search space.
        iterations: of a whole training; the step of a last score.
        keys: the settings that are looked at, as if the others had the recipe's values; all.
        combine: makes one score of those of several objectives.
    """
    retried = superseded(trials)
    started = [t for t in trials if has_parameters(t) and t.number not in retried]
    seen = ({k: v for k, v in t.params.items() if not keys or k in keys} for t in started)
    features = cube.features(cube.places(seen))
    both = zip(started, features, strict=True)
    return [_observed(trial, row, iterations, combine) for trial, row in both]


def has_parameters(trial: FrozenTrial) -> bool:
    """Whether a trial was handed out, so that its configuration is known."""
    return bool(trial.params) and trial.state != TrialState.WAITING


def _observed(trial: FrozenTrial, features: Array, iterations: int, combine: Combine) -> Observed:
    scores = scores_of(trial)
    return Observed(
        number=trial.number,
        features=features,
        progress=np.minimum(np.array([*scores], float) / iterations, 1.0),
        scores=combine(np.array([*scores.values()], float)) if scores else np.array([]),
        running=trial.state == TrialState.RUNNING,
        failed=trial.state == TrialState.FAIL,
    )
