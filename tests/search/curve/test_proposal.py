from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from platform.search.curve.model import CurveModel, fit_model
from platform.search.curve.posterior import Posterior
from platform.search.curve.proposal import expected_maximum, knowledge_gradient, propose
from platform.search.curve.rows import Inputs, Observed, Rows, configurations_at_end
from platform.search.space.cube import Cube
from tests.search.curve.made_up import Array
from tests.search.space.test_cube import mixed_space

RANGES = """
parameters:
  weights.ptc: {type: float, low: 0.0, high: 1.0}
  weights.ctc: {type: float, low: 0.0, high: 1.0}
"""
SHARES = np.linspace(0.2, 1, 5)


def test_the_expected_maximum_of_lines_is_that_of_its_integral() -> None:
    rng = np.random.default_rng(3)
    means, slopes = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    means[3, 0] = 6.0  # so far ahead that the others hardly matter
    found = expected_maximum(means, slopes)
    for mean, slope, value in zip(means, slopes, found, strict=True):
        z = np.linspace(-9, 9, 200_001)
        highest = (mean[:, None] + slope[:, None] * z).max(axis=0)
        assert value == pytest.approx(np.trapezoid(highest * norm.pdf(z), z), abs=2e-3)


def test_the_knowledge_gradient_is_what_a_training_betters_the_winner_by() -> None:
    """Each score that the training may end with is believed in turn, by a posterior of its own."""
    model, rng = fitted(noise=0.05), np.random.default_rng(4)
    posterior, cube = model.posterior, Cube(mixed_space(RANGES))
    points, finalists = (configurations_at_end(cube.features(rng.random((n, 2)))) for n in (3, 4))
    found = knowledge_gradient(posterior, points, finalists)
    now = posterior.mean(finalists).max()
    for place in range(3):
        point = configurations_at_end(points.x[place : place + 1])
        mean, sd = posterior.predict(point)
        spread = np.sqrt(sd[0] ** 2 + posterior.hyper.luck)
        best = [
            _after(posterior, point, mean[0] + z * spread).mean(point.joined(finalists)).max()
            for z in NODES
        ]
        expected = np.array(best) @ (norm.pdf(NODES) * 0.1) - now
        assert found[place] == pytest.approx(expected, abs=1e-3)
        assert found[place] > -1e-9


NODES = np.linspace(-5, 5, 101)


def _after(posterior: Posterior, point: Inputs, score: float) -> Posterior:
    """Return the posterior once a trial of the point has ended with a score."""
    rows, trial = posterior.rows, Inputs(point.x, point.t, np.array([999]))
    more = Rows(rows.at.joined(trial), np.append(rows.y, score), np.append(rows.count, 1.0))
    return Posterior(posterior.theta, more, np.arange(2))


def test_the_more_luck_a_score_has_the_less_it_betters_the_winner() -> None:
    posterior, rng = fitted(noise=0.05).posterior, np.random.default_rng(1)
    points, finalists = (configurations_at_end(rng.random((count, 2))) for count in (20, 3))
    lucky = copy(posterior)
    lucky.hyper = replace(posterior.hyper, offset=4 * posterior.hyper.luck)
    more, less = (knowledge_gradient(one, points, finalists) for one in (posterior, lucky))
    assert (more >= less - 1e-12).all()
    assert more.sum() > 1.001 * less.sum()
    assert (less > -1e-12).all()


def curves(worth: Array, features: Array, noise: float = 0.0, seed: int = 0) -> list[Observed]:
    """Return trials that rise to what they are worth, with the luck of seeds and scores."""
    rng = np.random.default_rng(seed)
    return [
        Observed(
            n,
            x,
            SHARES,
            value * SHARES**0.3 + noise * rng.normal() + noise / 2 * rng.normal(size=5),
        )
        for n, (value, x) in enumerate(zip(worth, features, strict=True))
    ]


def hill(places: Array) -> Array:
    return 0.6 - (places[:, 0] - 0.3) ** 2 - 0.2 * (places[:, 1] - 0.8) ** 2


def accept_all(_: Array) -> bool:
    return True


def test_a_planted_optimum_is_found() -> None:
    cube = Cube(mixed_space(RANGES))
    known = np.random.default_rng(0).random((5, 2))
    for step in range(12):
        model = fit_model(curves(hill(known), cube.features(known)), cube.groups)
        rng = np.random.default_rng(step)
        place = propose(model.posterior, cube, known, known, accept_all, rng)
        known = np.vstack([known, place])
    assert hill(known).max() > 0.6 - 2e-4


def fitted(noise: float, seed: int = 0) -> CurveModel:
    known = np.random.default_rng(seed).random((40, 2))
    cube = Cube(mixed_space(RANGES))
    return fit_model(curves(hill(known), cube.features(known), noise, seed), cube.groups)


def test_the_luck_of_a_trial_is_told_from_what_its_configuration_is_worth() -> None:
    grid = np.random.default_rng(9).random((200, 2))
    model = fitted(noise=0.05)
    mean, sd = model.worth(grid)
    error = mean - hill(grid)
    assert np.abs(error).mean() < 0.025  # a trial is off by 0.056
    assert 0.85 < (np.abs(error) < 1.96 * sd).mean() <= 1
    assert model.noise == pytest.approx(0.05 * np.sqrt(1.25), rel=0.35)


def test_without_luck_there_is_none_found() -> None:
    assert fitted(noise=0.0).noise < 0.01


def test_only_what_is_accepted_is_proposed() -> None:
    cube = Cube(mixed_space(RANGES))
    known = np.random.default_rng(0).random((8, 2))
    model = fit_model(curves(hill(known), cube.features(known)), cube.groups)
    rng = np.random.default_rng(0)
    place = propose(model.posterior, cube, known, known, lambda one: bool(one[0] > 0.5), rng)
    assert 0.5 < place[0] < 0.6  # as near to the hill as is allowed


def test_where_nothing_new_is_accepted_the_known_one_that_teaches_most_is_repeated() -> None:
    cube = Cube(mixed_space(RANGES))
    known = np.array([[0.9, 0.1], [0.3, 0.8], [0.8, 0.2], [0.7, 0.1], [0.25, 0.7]])
    model = fit_model(curves(hill(known), cube.features(known), noise=0.03), cube.groups)
    rng = np.random.default_rng(0)
    place = propose(model.posterior, cube, known, known, lambda _: False, rng)
    assert place.tolist() in known[[1, 4]].tolist()  # the others are not going to win


def test_of_a_listed_space_the_best_choice_is_proposed() -> None:
    cube = Cube(mixed_space("parameters: {backbone.aux_layer: {type: int, low: -12, high: -1}}"))
    listed = cube.all_places(100)
    assert listed is not None
    known = listed[[0, 3, 7, 11]]
    worth = 0.5 - np.abs(known[:, 0] - listed[8, 0])
    model = fit_model(curves(worth, cube.features(known)), cube.groups)
    tried = {float(place) for place in known[:, 0]}

    def accept(place: Array) -> bool:
        return float(place[0]) not in tried

    place = propose(model.posterior, cube, known, known, accept, np.random.default_rng(0))
    assert place[0] in listed[[6, 8, 9], 0]


def test_trials_in_work_keep_others_away() -> None:
    cube = Cube(mixed_space(RANGES))
    known = np.random.default_rng(0).random((8, 2))
    trials = curves(hill(known), cube.features(known))
    model = fit_model(trials, cube.groups)
    first = propose(model.posterior, cube, known, known, accept_all, np.random.default_rng(0))
    features = cube.features(first[None])[0]
    waiting = Observed(8, features, np.array([]), np.array([]), running=True)
    believing = model.believing_in_running([*trials, waiting])
    at = configurations_at_end(features[None])
    assert believing.predict(at)[1] < 0.7 * model.posterior.predict(at)[1]
    second = propose(believing, cube, known, known, accept_all, np.random.default_rng(0))
    assert np.linalg.norm(second - first) > 0.05
