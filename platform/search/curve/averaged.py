"""The model averaged over its hyper-parameters: what is said of configurations at the end."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from platform.search.curve.draws import draw_thetas
from platform.search.curve.model import CurveModel, Fitting
from platform.search.curve.rows import Observed

Array: TypeAlias = NDArray[np.float64]

_DRAWS = 30
_LEAST_SD = 1e-9  # of a lead over the same configuration, which is nothing


@dataclass(frozen=True)
class AveragedModel:
    """Models of hyper-parameters drawn from their posterior, each as likely as the others.

    Twenty trials do not say what is response and what is luck. The most probable values are one
    answer, and intervals by them are too narrow (docs/search.md).

    Attributes:
        models: one for each draw.
    """

    models: Sequence[CurveModel]

    @property
    def noise(self) -> float:
        """Standard deviation of one last score around what its configuration is worth."""
        return float(np.sqrt(np.mean([model.noise**2 for model in self.models])))

    def worth(self, features: Array) -> tuple[Array, Array]:
        """Return what configurations are worth, and its spread: `CurveModel.worth`, (M,) each."""
        return _mixed([model.worth(features) for model in self.models])

    def lead(self, features: Array, over: Array) -> tuple[Array, Array]:
        """Return leads over a configuration, and their spread: `CurveModel.lead`, (M,) each."""
        return _mixed([model.lead(features, over) for model in self.models])

    def chance_to_lead(self, features: Array, over: Array) -> Array:
        """Return the chance of configurations to be worth more than another, 0..1, (M,)."""
        leads = [model.lead(features, over) for model in self.models]
        chances = [ndtr(mean / np.maximum(sd, _LEAST_SD)) for mean, sd in leads]
        return np.mean(chances, axis=0)

    def lead_over_known(self, features: Array, known: Observed) -> tuple[Array, Array]:
        """Return leads over a known one, and their spread: `CurveModel.lead_over_known`."""
        return _mixed([model.lead_over_known(features, known) for model in self.models])


def fit_averaged(trials: Sequence[Observed], groups: NDArray[np.intp]) -> AveragedModel:
    """Draw models of the trials of a search; the same for the same trials.

    The last fits are kept: the end of a search asks for its winner, its summary, its front and its
    report, and a fit to a hundred trials takes three seconds (to twenty, 0.3).

    Args:
        trials: all of them; at least `LEAST_TRIALS` have scores.
        groups: the parameter that each feature belongs to, (D,).
    """
    return _fit(_Asked(trials, groups))


class _Asked:
    """Trials and groups, equal to others that say the same."""

    def __init__(self, trials: Sequence[Observed], groups: NDArray[np.intp]) -> None:
        self.trials, self.groups = trials, groups
        self._said = pickle.dumps((list(trials), groups))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)


@lru_cache(maxsize=2)  # of two objectives; at a hundred trials each has 40 MB
def _fit(asked: _Asked) -> AveragedModel:
    fitting = Fitting.of(asked.trials, asked.groups)
    start, rng = fitting.optimum(), np.random.default_rng(0)
    thetas = draw_thetas(fitting.few, asked.groups, fitting.prior, start, _DRAWS, rng)
    return AveragedModel([fitting.model(theta) for theta in thetas])


def _mixed(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return mean and standard deviation of a mixture of equal parts, each (M,), (M,)."""
    means, sds = np.stack(parts, axis=1)  # (K, M) each
    return means.mean(0), np.sqrt((sds**2).mean(0) + means.var(0))
