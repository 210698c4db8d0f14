from __future__ import annotations

import numpy as np
import pytest

from platform.search.curve.fit import JITTER, default_prior, fit, loss
from platform.search.curve.rows import Rows
from tests.search.curve.dense import dense_covariance
from tests.search.curve.made_up import GROUPS, random_rows, random_theta


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_finite_differences(seed: int) -> None:
    rows, theta, prior = random_rows(seed), random_theta(seed), default_prior(3)
    _, gradient = loss(theta, rows, GROUPS, prior)
    steps = 1e-5 * np.eye(len(theta))
    ends = [
        [loss(theta + sign * step, rows, GROUPS, prior)[0] for sign in (-1, 1)] for step in steps
    ]
    numeric = np.diff(np.array(ends), axis=1)[:, 0] / 2e-5
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


def test_the_loss_is_the_density_of_the_rows_and_of_the_prior() -> None:
    prior = default_prior(3)

    def difference(seed: int) -> float:  # to the dense one: the same constant everywhere
        rows, theta = random_rows(0), random_theta(seed)
        wobble = np.exp(2 * theta[5]) / rows.count + JITTER
        K = dense_covariance(theta, rows.at, rows.at) + np.diag(wobble)
        z = (theta - prior.middle) / prior.sd
        dense = rows.y @ np.linalg.inv(K) @ rows.y + np.linalg.slogdet(K)[1] + z @ z
        return loss(theta, rows, GROUPS, prior)[0] - 0.5 * float(dense)

    assert difference(1) == pytest.approx(difference(2), abs=1e-8)


def test_a_fit_improves_on_where_it_begins_and_repeats_itself() -> None:
    rows, prior = random_rows(1), default_prior(3)
    theta = fit(rows, GROUPS, prior)
    assert loss(theta, rows, GROUPS, prior)[0] < loss(prior.middle, rows, GROUPS, prior)[0]
    np.testing.assert_array_equal(theta, fit(rows, GROUPS, prior))


def test_planted_hyperparameters_are_recovered() -> None:
    rows, prior = random_rows(0, trials=60, each=4), default_prior(3)
    planted = np.log([0.5, 1.0, 0.3, 0.3, 0.1, 0.1, 0.6, 0.6, 0.2, 3.0, 0.8])
    wobble = np.exp(2 * planted[5]) / rows.count + JITTER
    K = dense_covariance(planted, rows.at, rows.at) + np.diag(wobble)
    y = np.linalg.cholesky(K) @ np.random.default_rng(0).normal(size=len(rows))
    theta = fit(Rows(rows.at, y, rows.count), GROUPS, prior, evaluations=200)
    assert np.exp(theta[5]) == pytest.approx(0.1, rel=0.2)  # wobble
    assert np.exp(theta[3]) == pytest.approx(0.3, rel=0.5)  # offset
    assert np.exp(theta[1]) == pytest.approx(1.0, rel=0.5)  # f
    assert theta[8] < theta[10] < theta[9]  # what matters most, least


def test_a_covariance_that_cannot_be_factored_ends_no_fit() -> None:
    rows, prior = random_rows(), default_prior(3)
    same = Rows(rows.at, np.zeros(len(rows)), np.full(len(rows), 1e12))
    assert np.isfinite(fit(same, GROUPS, prior)).all()
