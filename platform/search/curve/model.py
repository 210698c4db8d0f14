"""The fitted model of one search: what its configurations are worth at the end of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.fit import default_prior, fit
from platform.search.curve.posterior import Posterior
from platform.search.curve.prior_mean import EarlierModel, weigh
from platform.search.curve.rows import (
    MAX_ROWS,
    Inputs,
    Observed,
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
        hyper = self.posterior.hyper
        return self.scale.unit * math.sqrt(hyper.offset + hyper.own + hyper.wobble)

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

    def lead(self, features: Array, over: Array) -> tuple[float, float]:
        """Return how much more a configuration is worth than another, and the standard deviation.

        The scale is stretched in its tail: spreads are those of the scale's slopes at both means.

        Args:
            features: of the configuration, (D,).
            over: of the other, (D,).
        """
        return self._apart(configurations_at_end(features[None]), configurations_at_end(over[None]))

    def lead_over_known(self, features: Array, known: Observed) -> tuple[float, float]:
        """Return the lead over a configuration that was known to be good, and its spread.

        It was not drawn from the space as others were, so that nothing says that it is worth as
        little as what lies around it. Taken as one of them, a recipe of renown was believed to be
        worth too little, and leads over it too large (docs/search.md). So it counts for what its
        own training reached, and the luck of that training is part of the spread.

        Args:
            features: of the configuration that leads, (D,).
            known: the trial of the other.
        """
        hyper = self.posterior.hyper
        luck = hyper.offset + hyper.own
        return self._apart(configurations_at_end(features[None]), trials_at_end([known]), luck)

    def _apart(self, one: Inputs, other: Inputs, luck: float = 0.0) -> tuple[float, float]:
        """Return mean and standard deviation of a difference, in units of the scores.

        Args:
            one: a point, (1,).
            other: another, (1,).
            luck: variance of the other beside what the model says of it, in units of the model.
        """
        mean, sd = self.posterior.predict(one.joined(other))
        _, apart = self.posterior.lead(one, other)
        shared = 0.5 * (sd @ sd - float(apart[0]) ** 2)  # the covariance of the two
        slope, value = self.scale.slope(mean), self.scale.back(mean)
        left = (slope * sd) @ (slope * sd) - 2 * slope[0] * slope[1] * shared
        left += slope[1] ** 2 * luck
        return float(value[0] - value[1]), math.sqrt(max(float(left), 0.0))


def can_fit(trials: Sequence[Observed]) -> bool:
    """Whether enough trials have scores."""
    return sum(len(trial.scores) > 0 and not trial.failed for trial in trials) >= LEAST_TRIALS


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
    scored = [trial for trial in trials if len(trial.scores) and not trial.failed]
    scale = ScoreScale.of(np.array([trial.scores[-1] for trial in scored]))
    prior = default_prior(int(groups.max()) + 1)
    evaluations = _FIRST_FIT if start is None else _NEXT_FIT
    mean = weigh(earlier, scored, scale)
    rows = make_rows(trials, scale, _FIT_ROWS)
    left = replace(rows, y=rows.y - mean(rows.at.x))
    theta = fit(left, groups, prior, start, evaluations)
    return CurveModel(scale, Posterior(theta, make_rows(trials, scale, MAX_ROWS), groups, mean))
