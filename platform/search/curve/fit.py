"""The most probable hyper-parameters, given the rows (MAP)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, get_lapack_funcs
from scipy.optimize import minimize

from platform.search.curve.kernel import (
    SCALARS,
    Hyperparameters,
    Parts,
    covariance,
    parts,
)
from platform.search.curve.rows import Rows

Array: TypeAlias = NDArray[np.float64]

JITTER = 1e-6  # of a variance of about 1: keeps two rows of one trial apart
_FAILED = 1e10  # in place of a loss, where the covariance is not positive definite
_BOUND = 4.0  # standard deviations of the prior


@dataclass(frozen=True)
class LogNormal:
    """Independent normal priors of the logarithms theta of the hyper-parameters.

    Attributes:
        middle: of each, (8 + P,).
        sd: of each, (8 + P,).
    """

    middle: Array
    sd: Array


def default_prior(parameters: int) -> LogNormal:
    """Return the prior for so many parameters, in units of `ScoreScale` and of the unit cube.

    Its lengths are those of a parameter that bends the scores once over its range. With half of
    that the sampler takes noise for response: in 24 searches under noise regret was higher by 0.05.
    """
    amplitudes = [1.0, 0.7, 0.5, 0.1, 0.15, 0.05]
    times = [0.6, 0.6]
    middle = np.log([*amplitudes, *times, *[1.2] * parameters])
    return LogNormal(middle, np.array([1.0] * 6 + [0.5] * 2 + [0.8] * parameters))


def fit(
    rows: Rows,
    groups: NDArray[np.intp],
    prior: LogNormal,
    start: Array | None = None,
    evaluations: int = 30,
) -> Array:
    """Maximise the posterior of the hyper-parameters by L-BFGS; return their logarithms theta.

    Args:
        rows: what was observed.
        groups: the parameter that each feature belongs to, (D,).
        prior: of theta.
        start: where to begin; by default in the middle of the prior.
        evaluations: of the loss, at most: a few more or less change no proposal for the worse.
    """
    begin = prior.middle if start is None else start
    spread = _BOUND * prior.sd
    best = minimize(
        loss,
        begin,
        args=(rows, groups, prior),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(prior.middle - spread, prior.middle + spread, strict=True)),
        options={"maxfun": evaluations},
    )
    return best.x if best.fun < _FAILED else begin


def loss(
    theta: Array, rows: Rows, groups: NDArray[np.intp], prior: LogNormal
) -> tuple[float, Array]:
    """Return the negative logarithm of the posterior of theta, up to a constant, and its gradient.

        y' K^-1 y / 2 + log det K / 2 + |z|^2 / 2,   z = (theta - middle) / sd
        gradient: sum(G * dK/dtheta) + z / sd,   G = (K^-1 - K^-1 y y' K^-1) / 2

    Rasmussen and Williams, Gaussian Processes for Machine Learning, equations 5.8 and 5.9.
    """
    hyper = Hyperparameters.of(theta)
    factors = parts(hyper, groups, rows.at, rows.at)
    try:
        L, weights = _solved(hyper, factors, rows)
    except LinAlgError:
        return _FAILED, np.zeros_like(theta)
    z = (theta - prior.middle) / prior.sd
    G = 0.5 * (_inverse(L) - np.outer(weights, weights))
    gradient = _gradient(G, hyper, factors, rows, groups) + z / prior.sd
    return 0.5 * float(z @ z) - _log_likelihood(L, weights, rows.y), gradient


def log_likelihood(theta: Array, rows: Rows, groups: NDArray[np.intp]) -> float:
    """Return the logarithm of the likelihood of theta, up to a constant: `loss` without a prior."""
    hyper = Hyperparameters.of(theta)
    try:
        solved = _solved(hyper, parts(hyper, groups, rows.at, rows.at), rows)
    except LinAlgError:
        return -_FAILED
    return _log_likelihood(*solved, rows.y)


def _solved(hyper: Hyperparameters, factors: Parts, rows: Rows) -> tuple[Array, Array]:
    """Return the Cholesky factor of K, (N, N), and K^-1 y, (N,)."""
    K = covariance(hyper, factors)
    K[np.diag_indices(len(K))] += hyper.wobble / rows.count + JITTER
    L = cholesky(K, lower=True, check_finite=False)
    return L, cho_solve((L, True), rows.y, check_finite=False)


def _log_likelihood(L: Array, weights: Array, y: Array) -> float:
    return -0.5 * float(y @ weights) - float(np.log(np.diag(L)).sum())


def _inverse(L: Array) -> Array:
    (potri,) = get_lapack_funcs(("potri",), (L,))
    lower, _ = potri(L, lower=True)  # half the time of solving for the identity
    return np.asarray(np.tril(lower) + np.tril(lower, -1).T, float)


def _gradient(
    G: Array, hyper: Hyperparameters, p: Parts, rows: Rows, groups: NDArray[np.intp]
) -> Array:
    """Return sum(G * dK/dtheta) for each theta, (8 + P,)."""
    Gx, Gt, Gs, Gc = G * p.x, G * p.t, G * p.same, G * p.common_t
    amplitudes = [
        2 * hyper.common * Gc.sum(),
        2 * hyper.f * Gx.sum(),
        2 * hyper.g * np.vdot(Gx, p.t),
        2 * hyper.offset * Gs.sum(),
        2 * hyper.own * np.vdot(Gs, p.t),
        2 * hyper.wobble * (np.diag(G) / rows.count).sum(),
    ]
    slow = hyper.g * p.x + hyper.own * p.same
    times = [
        hyper.time * np.vdot(slow, Gt * p.dt),
        hyper.common_time * hyper.common * np.vdot(Gc, p.dt),
    ]
    slope = G * (hyper.f + hyper.g * p.t) * p.x_slope
    by_feature = _weighted_distances(slope, rows.at.x)
    lengths = hyper.lengths * np.bincount(groups, by_feature, len(hyper.lengths))
    return np.array([*amplitudes, *times, *lengths], float)


def _weighted_distances(weights: Array, x: Array) -> Array:
    """Return sum_ij w_ij (x_id - x_jd)^2 for each feature d, w symmetric, (D,)."""
    squares, products = weights.sum(1) @ (x * x), ((weights @ x) * x).sum(0)
    return np.asarray(2 * (squares - products), np.float64)


assert SCALARS == 8, "the prior and the gradient list eight scalars"
