"""The covariance of scores, and its hyper-parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.rows import NO_TRIAL, Inputs

Array: TypeAlias = NDArray[np.float64]

_SQRT3 = math.sqrt(3.0)
AMPLITUDES = ("common", "f", "g", "offset", "own", "wobble")
TIMES = ("time", "common time")
SCALARS = len(AMPLITUDES) + len(TIMES)


@dataclass(frozen=True)
class Hyperparameters:
    """What the covariance depends on, out of a vector of logarithms theta, (8 + P,).

    Attributes:
        common, f, g, offset, own, wobble: variances, exp(2 theta).
        time, common_time: inverse squares of length scales over warped progress, exp(-2 theta).
        lengths: the same for each of the P parameters, (P,).
    """

    common: float
    f: float
    g: float
    offset: float
    own: float
    wobble: float
    time: float
    common_time: float
    lengths: Array

    @property
    def luck(self) -> float:
        """Variance of the last score of a training around what its configuration is worth."""
        return self.offset + self.own + self.wobble

    @classmethod
    def of(cls, theta: Array) -> Hyperparameters:
        common, f, g, offset, own, wobble = np.exp(2 * theta[: len(AMPLITUDES)]).tolist()
        time, common_time = np.exp(-2 * theta[len(AMPLITUDES) : SCALARS]).tolist()
        lengths = np.exp(-2 * theta[SCALARS:])
        return cls(common, f, g, offset, own, wobble, time, common_time, lengths)


@dataclass(frozen=True)
class Parts:
    """The factors of the covariance between N and M points, each (N, M).

    Attributes:
        x: Matern-3/2 over configurations.
        x_slope: -2 times its derivative by the squared distance.
        t, common_t: squared exponentials over warped progress.
        dt: squared differences of warped progress.
        same: 1 where both points are of one trial, else 0.
    """

    x: Array
    x_slope: Array
    t: Array
    common_t: Array
    dt: Array
    same: Array


def parts(hyper: Hyperparameters, groups: NDArray[np.intp], a: Inputs, b: Inputs) -> Parts:
    """Return the factors of the covariance between two sets of points.

    Args:
        hyper: the hyper-parameters.
        groups: the parameter that each feature belongs to, (D,).
        a: N points.
        b: M points.
    """
    x, slope = matern(_squared_distances(a.x, b.x, hyper.lengths[groups]))
    dt = (a.t[:, None] - b.t[None]) ** 2
    same = (a.trial[:, None] == b.trial[None]) & (a.trial[:, None] != NO_TRIAL)
    common = np.exp(-0.5 * hyper.common_time * dt)
    return Parts(x, slope, np.exp(-0.5 * hyper.time * dt), common, dt, same.astype(float))


def matern(squared: Array) -> tuple[Array, Array]:
    """Return the Matern-3/2 kernel of squared distances, and -2 times its derivative by them.

        k = (1 + sqrt(3) r) exp(-sqrt(3) r),   -2 dk/dr^2 = 3 exp(-sqrt(3) r)

    Rasmussen and Williams, Gaussian Processes for Machine Learning, equation 4.17. The smoother
    Matern-5/2 takes a narrow peak for the luck of its one trial.
    """
    r = _SQRT3 * np.sqrt(squared)
    decay = np.exp(-r)
    return (1 + r) * decay, 3 * decay


def covariance(hyper: Hyperparameters, p: Parts) -> Array:
    """Return the covariance of scores without their wobble, (N, M).

    common^2 kc(t, t') + k(x, x') (f^2 + g^2 kt(t, t')) + [same trial] (offset^2 + own^2 kt)
    """
    shared = hyper.common * p.common_t + p.x * (hyper.f + hyper.g * p.t)
    return shared + p.same * (hyper.offset + hyper.own * p.t)


def variance(hyper: Hyperparameters, at: Inputs) -> Array:
    """Return the prior variance of points without wobble, (N,)."""
    own = np.where(at.trial == NO_TRIAL, 0.0, hyper.offset + hyper.own)
    return hyper.common + hyper.f + hyper.g + own


def _squared_distances(a: Array, b: Array, inverse_squares: Array) -> Array:
    scale = np.sqrt(inverse_squares)
    a, b = a * scale, b * scale
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.maximum(squared, 0.0)
