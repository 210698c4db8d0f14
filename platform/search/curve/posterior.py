"""What the model believes after the rows: means, variances and covariances anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from platform.search.curve.fit import JITTER
from platform.search.curve.kernel import Hyperparameters, covariance, parts, variance
from platform.search.curve.rows import Inputs, Rows

Array: TypeAlias = NDArray[np.float64]
Mean: TypeAlias = Callable[[Array], Array]  # of features (N, D), (N,)

_LEAST_VARIANCE = 1e-10  # what rounding leaves of none


def zero_mean(features: Array) -> Array:
    """Expect nothing of any configuration, (N, D) -> (N,)."""
    return np.zeros(len(features))


class Posterior:
    """The process after the rows.

        mean = m + k' K^-1 (y - m),   covariance = k(a, b) - k_a' K^-1 k_b

    Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 2.1, equation 2.38.

    Args:
        theta: logarithms of the hyper-parameters, (8 + P,).
        rows: N rows.
        groups: the parameter that each feature belongs to, (D,).
        prior_mean: m of configurations, the same at all progress; by default 0.
    """

    def __init__(
        self,
        theta: Array,
        rows: Rows,
        groups: NDArray[np.intp],
        prior_mean: Mean = zero_mean,
    ) -> None:
        self.theta, self.rows, self._groups, self._m = theta, rows, groups, prior_mean
        self.hyper = Hyperparameters.of(theta)
        K = self._covariance(rows.at, rows.at)
        K[np.diag_indices(len(K))] += self.hyper.wobble / rows.count + JITTER
        self._L = cholesky(K, lower=True, check_finite=False)
        left = rows.y - prior_mean(rows.at.x)
        self._weights = cho_solve((self._L, True), left, check_finite=False)

    def _covariance(self, a: Inputs, b: Inputs) -> Array:
        return covariance(self.hyper, parts(self.hyper, self._groups, a, b))

    def mean(self, at: Inputs) -> Array:
        """Return the mean at M points, (M,)."""
        return self._m(at.x) + self._covariance(at, self.rows.at) @ self._weights

    def predict(self, at: Inputs) -> tuple[Array, Array]:
        """Return mean and standard deviation at M points, both (M,)."""
        k = self._covariance(at, self.rows.at)
        v = solve_triangular(self._L, k.T, lower=True, check_finite=False)
        left = variance(self.hyper, at) - (v * v).sum(0)
        return self._m(at.x) + k @ self._weights, np.sqrt(np.maximum(left, _LEAST_VARIANCE))

    def beside(self, at: Inputs, others: Inputs) -> tuple[Array, Array, Array]:
        """Return means and variances of M points and, after them, of K others; covariances.

        Returns:
            (M + K,), (M + K,), and those of each point with each of the others, (M, K).
        """
        both = at.joined(others)
        k = self._covariance(both, self.rows.at)
        v = solve_triangular(self._L, k.T, lower=True, check_finite=False)
        mean = self._m(both.x) + k @ self._weights
        own = variance(self.hyper, both) - (v * v).sum(0)
        shared = self._covariance(at, others) - v[:, : len(at)].T @ v[:, len(at) :]
        return mean, np.maximum(own, _LEAST_VARIANCE), shared

    def believing(self, at: Inputs) -> Posterior:
        """Return the posterior if the points turned out at their mean: less spread, same means."""
        rows = self.rows
        y = np.concatenate([rows.y, self.mean(at)])
        count = np.concatenate([rows.count, np.ones(len(at))])
        return Posterior(self.theta, Rows(rows.at.joined(at), y, count), self._groups, self._m)
