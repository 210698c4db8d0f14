"""What earlier searches make one expect of a configuration: the mean before any trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.posterior import Mean, Posterior, zero_mean
from platform.search.curve.rows import Observed, configurations_at_end
from platform.search.curve.scaling import ScoreScale

Array: TypeAlias = NDArray[np.float64]

# A weight of 1 says that a configuration leads here by as much as it did there, in units of the
# best one's lead. That is where a search begins, with the trust of so many trials.
_WEIGHT, _TRUST = 0.5, 3.0


@dataclass(frozen=True)
class EarlierModel:
    """The model of an earlier search, in the units of its own scores.

    Attributes:
        posterior: over the features that both searches share.
        shared: which of the D features of this search those are, (S,).
    """

    posterior: Posterior
    shared: NDArray[np.intp]

    def worth(self, features: Array) -> Array:
        """Return what configurations of this search were worth there, (M, D) -> (M,)."""
        return self.posterior.mean(configurations_at_end(features[:, self.shared]))


@dataclass(frozen=True)
class PriorMean:
    """A weighted sum of what configurations were worth in earlier searches.

    Attributes:
        models: of K earlier searches.
        weights: of each, 0..1, (K,).
    """

    models: Sequence[EarlierModel]
    weights: Array

    def __call__(self, features: Array) -> Array:
        """Return the mean of configurations in the units of this search, (M, D) -> (M,)."""
        return _worths(self.models, features) @ self.weights


def weigh(models: Sequence[EarlierModel], trials: Sequence[Observed], scale: ScoreScale) -> Mean:
    """Weigh earlier searches by how well they foretell the last scores of this one's trials.

        w = argmin |y - M w|^2 + trust sum_k var_k (w_k - w_0)^2,   y and M centred, w >= 0

    Ridge regression around a first guess: a search of which nothing is found again soon weighs
    nothing, whatever it said.

    Args:
        models: of the K earlier searches.
        trials: of this search that have scores.
        scale: of this search's scores.
    """
    if not models:
        return zero_mean
    foretold = _worths(models, np.stack([trial.features for trial in trials]))  # (N, K)
    scores = scale(np.array([trial.scores[-1] for trial in trials]))
    M, y = foretold - foretold.mean(0), scores - scores.mean()
    trust = np.diag(_TRUST * M.var(axis=0) + 1e-6)
    guess = np.full(len(models), _WEIGHT / len(models))
    weights = np.linalg.solve(M.T @ M + trust, M.T @ y + trust @ guess)
    return PriorMean(models, np.clip(weights, 0.0, 1.0))


def _worths(models: Sequence[EarlierModel], features: Array) -> Array:
    return np.stack([model.worth(features) for model in models], axis=1)
