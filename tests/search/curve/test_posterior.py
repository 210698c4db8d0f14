from __future__ import annotations

import numpy as np

from platform.search.curve.fit import JITTER
from platform.search.curve.posterior import Posterior
from platform.search.curve.rows import Inputs, configurations_at_end
from tests.search.curve.dense import Array, dense_covariance
from tests.search.curve.made_up import GROUPS, random_features, random_rows, random_theta

RNG = np.random.default_rng(5)
AT = configurations_at_end(random_features(RNG, 7))
OVER = configurations_at_end(random_features(RNG, 1))
TRIALS = Inputs(AT.x[:3], np.full(3, 0.9), np.array([0, 2, 9]))
THETA = random_theta()


def dense_posterior(at: Inputs) -> tuple[Array, Array]:
    """Return mean and covariance by the inverse of the whole matrix."""
    rows = random_rows()
    wobble = np.diag(np.exp(2 * THETA[5]) / rows.count + JITTER)
    gain = dense_covariance(THETA, at, rows.at) @ np.linalg.inv(
        dense_covariance(THETA, rows.at, rows.at) + wobble
    )
    left = dense_covariance(THETA, at, at) - gain @ dense_covariance(THETA, rows.at, at)
    return gain @ rows.y, left


def test_mean_and_spread_are_those_of_dense_algebra() -> None:
    posterior = Posterior(THETA, random_rows(), GROUPS)
    for at in (AT, TRIALS, AT.joined(TRIALS)):
        mean, covariance = dense_posterior(at)
        np.testing.assert_allclose(posterior.mean(at), mean, rtol=1e-8)
        np.testing.assert_allclose(posterior.predict(at)[0], mean, rtol=1e-8)
        np.testing.assert_allclose(posterior.predict(at)[1], np.sqrt(np.diag(covariance)))


def test_points_beside_others_have_the_covariances_of_dense_algebra() -> None:
    mean, own, shared = Posterior(THETA, random_rows(), GROUPS).beside(AT, TRIALS)
    dense_mean, covariance = dense_posterior(AT.joined(TRIALS))
    np.testing.assert_allclose(mean, dense_mean)
    np.testing.assert_allclose(own, np.diag(covariance), rtol=1e-6)
    np.testing.assert_allclose(shared, covariance[: len(AT), len(AT) :], rtol=1e-6, atol=1e-9)


def test_believing_in_a_point_moves_no_mean_and_takes_spread_away() -> None:
    posterior = Posterior(THETA, random_rows(), GROUPS)
    believing = posterior.believing(Inputs(OVER.x, OVER.t, np.array([77])))
    np.testing.assert_allclose(believing.mean(AT), posterior.mean(AT), atol=1e-9)
    assert (believing.predict(AT)[1] < posterior.predict(AT)[1]).all()
    assert believing.predict(OVER)[1] < 0.8 * posterior.predict(OVER)[1]
