from __future__ import annotations

from dataclasses import replace

import numpy as np

from platform.search.curve.draws import draw_thetas
from platform.search.curve.fit import default_prior, fit, log_likelihood, loss
from tests.search.curve.made_up import GROUPS, random_rows, random_theta

PRIOR = default_prior(3)


def test_the_likelihood_is_the_loss_without_the_prior() -> None:
    rows, theta = random_rows(), random_theta()
    z = (theta - PRIOR.middle) / PRIOR.sd
    expected = 0.5 * float(z @ z) - loss(theta, rows, GROUPS, PRIOR)[0]
    assert np.isclose(log_likelihood(theta, rows, GROUPS), expected)


def test_draws_have_the_mean_and_the_spread_of_the_posterior() -> None:
    """Against importance sampling from the prior, whose weights are the likelihoods."""
    made, rng = random_rows(2, trials=4, each=2), np.random.default_rng(0)
    rows = replace(made, y=0.3 * made.y)
    start = fit(rows, GROUPS, PRIOR)
    draws = np.stack(draw_thetas(rows, GROUPS, PRIOR, start, 800, rng))
    prior = PRIOR.middle + PRIOR.sd * rng.normal(size=(6000, len(start)))
    level = np.array([log_likelihood(theta, rows, GROUPS) for theta in prior])
    weights = np.exp(level - level.max())
    weights /= weights.sum()
    assert 1 / (weights**2).sum() > 100, "the weights are of use"
    mean = weights @ prior
    sd = np.sqrt(weights @ (prior - mean) ** 2)
    np.testing.assert_array_less(np.abs(draws.mean(0) - mean) / sd, 0.25)
    np.testing.assert_allclose(draws.std(0), sd, rtol=0.2)
    assert np.abs((mean - PRIOR.middle) / PRIOR.sd).max() > 0.9, "the rows say something"
