"""The fitted model of one search: what its configurations are worth at the end of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.fit import LogNormal, default_prior, fit
from platform.search.curve.posterior import Mean, Posterior
from platform.search.curve.prior_mean import EarlierModel, weigh
from platform.search.curve.rows import (
    MAX_ROWS,
    Inputs,
    Observed,
    Rows,
    configurations_at_end,
    make_rows,
    trials_at_end,
)
from platform.search.curve.scaling import ScoreScale

Array: TypeAlias = NDArray[np.float64]

LEAST_TRIALS = 3  # with scores; fewer give no scale
_FIRST_FIT, _NEXT_FIT = 40, 10  # evaluations from the prior's middle, and from an earlier optimum
_FIT_ROWS = 200  # hyper-parameters need fewer rows than the posterior


@dataclass(frozen=True)
class CurveModel:
    """A Gaussian process over (configuration, progress, trial), fitted to the trials of a search.

        score(i, t) = common curve(t) + f(x_i) + g(x_i, t) + offset_i + own curve_i(t) + wobble

    `offset` and the trial's own curve are the luck of its seed, `wobble` that of one score. What a
    configuration is worth is the rest, at the end of training.

    Attributes:
        scale: of the scores.
        posterior: after all rows.
    """

    scale: ScoreScale
    posterior: Posterior

    @property
    def theta(self) -> Array:
        """Logarithms of the hyper-parameters, (8 + P,)."""
        return self.posterior.theta

    @property
    def noise(self) -> float:
        """Standard deviation of one last score around what its configuration is worth."""
        return self.scale.unit * math.sqrt(self.posterior.hyper.luck)

    def believing_in_running(self, trials: Sequence[Observed]) -> Posterior:
        """Return the posterior if every trial in work ended where it is expected to."""
        running = [trial for trial in trials if trial.running]
        return self.posterior.believing(trials_at_end(running)) if running else self.posterior

    def worth(self, features: Array) -> tuple[Array, Array]:
        """Return what configurations are worth at the end, and its standard deviation.

        Args:
            features: of M configurations, (M, D).

        Returns:
            Both in units of the scores, (M,).
        """
        mean, sd = self.posterior.predict(configurations_at_end(features))
        ends = self.scale.back(mean + sd), self.scale.back(mean - sd)  # the tail is stretched
        return self.scale.back(mean), 0.5 * (ends[0] - ends[1])

    def lead(self, features: Array, over: Array) -> tuple[Array, Array]:
        """Return how much more configurations are worth than another, and its standard deviation.

        The scale is stretched in its tail: spreads are those of the scale's slopes at both means.

        Args:
            features: of M configurations, (M, D).
            over: of the other, (D,).

        Returns:
            Both in units of the scores, (M,).
        """
        return self._apart(configurations_at_end(features), configurations_at_end(over[None]))

    def lead_over_known(self, features: Array, known: Observed) -> tuple[Array, Array]:
        """Return the lead over one that was known to be good, and its spread, (M,) each.

        It was not drawn from the space as others were, so that nothing says that it is worth as
        little as what lies around it. Taken as one of them, a recipe of renown was believed to be
        worth too little, and leads over it too large (docs/search.md). So it counts for what its
        own training reached, and the luck of that training is part of the spread.

        Args:
            features: of the M configurations that lead, (M, D).
            known: the trial of the other.
        """
        hyper = self.posterior.hyper
        luck = hyper.offset + hyper.own
        return self._apart(configurations_at_end(features), trials_at_end([known]), luck)

    def _apart(self, at: Inputs, over: Inputs, luck: float = 0.0) -> tuple[Array, Array]:
        """Return mean and standard deviation of M differences, in units of the scores.

        Args:
            at: M points.
            over: one other.
            luck: variance of the other beside what the model says of it, in units of the model.
        """
        mean, variance, shared = self.posterior.beside(at, over)
        value, slope = self.scale.back(mean), self.scale.slope(mean)
        variance[-1] += luck
        own = slope**2 * variance  # of the scores, by their slopes, (M + 1,)
        left = own[:-1] + own[-1] - 2 * slope[:-1] * slope[-1] * shared[:, 0]
        return value[:-1] - value[-1], np.sqrt(np.maximum(left, 0.0))


def can_fit(trials: Sequence[Observed]) -> bool:
    """Whether enough trials have scores."""
    return sum(len(trial.scores) > 0 and not trial.failed for trial in trials) >= LEAST_TRIALS


@dataclass(frozen=True)
class Fitting:
    """What hyper-parameters are fitted to, and what makes a model of them.

    Attributes:
        scale: of the scores.
        prior: of the hyper-parameters.
        few: the rows that they are fitted to, the mean before any trial taken off.
        rows: all that the posterior is made of.
        groups: the parameter that each feature belongs to, (D,).
        mean: of configurations before any trial.
    """

    scale: ScoreScale
    prior: LogNormal
    few: Rows
    rows: Rows
    groups: NDArray[np.intp]
    mean: Mean

    @classmethod
    def of(
        cls,
        trials: Sequence[Observed],
        groups: NDArray[np.intp],
        earlier: Sequence[EarlierModel] = (),
    ) -> Fitting:
        """Prepare the trials of a search; see `fit_model`."""
        scored = [trial for trial in trials if len(trial.scores) and not trial.failed]
        scale = ScoreScale.of(np.array([trial.scores[-1] for trial in scored]))
        mean = weigh(earlier, scored, scale)
        few, rows = (make_rows(trials, scale, limit) for limit in (_FIT_ROWS, MAX_ROWS))
        left = replace(few, y=few.y - mean(few.at.x))
        return cls(scale, default_prior(int(groups.max()) + 1), left, rows, groups, mean)

    def optimum(self, start: Array | None = None) -> Array:
        """Return the most probable theta, (8 + P,), found from that of an earlier fit or anew."""
        evaluations = _FIRST_FIT if start is None else _NEXT_FIT
        return fit(self.few, self.groups, self.prior, start, evaluations)

    def model(self, theta: Array) -> CurveModel:
        """Return the model of these hyper-parameters."""
        return CurveModel(self.scale, Posterior(theta, self.rows, self.groups, self.mean))


def fit_model(
    trials: Sequence[Observed],
    groups: NDArray[np.intp],
    start: Array | None = None,
    earlier: Sequence[EarlierModel] = (),
) -> CurveModel:
    """Fit the model to the trials of a search.

    Args:
        trials: all of them; at least `LEAST_TRIALS` have scores.
        groups: the parameter that each feature belongs to, (D,).
        start: theta of an earlier fit to begin from.
        earlier: models of earlier searches, whose weighted sum is the mean before any trial.
    """
    fitting = Fitting.of(trials, groups, earlier)
    return fitting.model(fitting.optimum(start))
