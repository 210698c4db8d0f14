"""The configuration to train next: the one that is expected to better the winner most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.posterior import Posterior
from platform.search.curve.rows import Inputs, configurations_at_end
from platform.search.space.cube import Cube

Array: TypeAlias = NDArray[np.float64]
Accept: TypeAlias = Callable[[Array], bool]  # whether the configuration at a place, (P,), is wanted

_RANDOM = 400  # places drawn uniformly
_NEAR = 30  # places drawn around each of the best
_ANCHORS = 6
_SCALES = np.array([0.03, 0.1, 0.25])  # of steps, in widths of the cube
_ROUNDS = (0.08, 0.03, 0.01)  # scales of the refinements, one after the other
_LOOKED_AT = 200  # best places whose acceptance is asked for
_FINALISTS = 20  # the others are not going to win
_NODES = np.linspace(-5.0, 5.0, 81)  # what a score may turn out to be, in standard deviations
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()
_LISTED = 1500  # a space of no more configurations is looked at as a whole


def propose(
    posterior: Posterior,
    cube: Cube,
    known: Array,
    finalists: Array,
    accept: Accept,
    rng: np.random.Generator,
) -> Array:
    """Return the accepted place whose training is expected to better the winner most, (P,).

    Without any, it is the known one of which that holds: one more seed tells what luck was.

    Args:
        posterior: the model, running trials believed in.
        cube: of the search space.
        known: places of the configurations that were tried, (N, P).
        finalists: places of those that may win so far: complete, or still in work, (K, P).
        accept: whether a place may be proposed.
        rng: where candidates come from.
    """
    final = configurations_at_end(cube.features(_best(posterior, cube, finalists, _FINALISTS)))

    def value(places: Array) -> Array:
        return knowledge_gradient(posterior, configurations_at_end(cube.features(places)), final)

    listed = cube.all_places(_LISTED)
    if listed is not None:
        new = next(_accepted(listed, value(listed), accept), None)
    else:
        places = _first_places(cube, _best(posterior, cube, known, _ANCHORS), rng)
        new = _refined(places, value, cube, accept, rng)
    return known[np.argmax(value(known))] if new is None else new


def knowledge_gradient(posterior: Posterior, at: Inputs, finalists: Inputs) -> Array:
    """Return by how much a whole training of each of M points is expected to better the winner.

        E[max(m_k + s_k z, m + s z)] - max m_k,   s_k = cov(point, k) / spread,   s = var / spread

    Frazier, Powell and Dayanik, The Knowledge-Gradient Policy for Correlated Normal Beliefs (2009).
    The winner is the finalist of the highest mean, or the point itself; its score, of variance
    spread^2 = var + luck, moves what is believed of all of them. Expected improvement would take
    that score for the truth (docs/search.md).

    Args:
        posterior: the model.
        at: the points, configurations by themselves.
        finalists: K configurations by themselves, at least one.

    Returns:
        In units of the model, (M,), never below 0.
    """
    mean, own, shared = posterior.beside(at, finalists)
    count = len(at)
    spread = np.sqrt(own[:count, None] + posterior.hyper.luck)
    others = np.broadcast_to(mean[count:], shared.shape)
    means = np.column_stack([others, mean[:count]])
    slopes = np.column_stack([shared, own[:count]]) / spread
    return expected_maximum(means, slopes) - mean[count:].max()


def expected_maximum(means: Array, slopes: Array) -> Array:
    """Return E[max_k (mean_k + slope_k z)] for z of a standard normal distribution, (M, K) -> (M,).

    By the trapezoidal rule: the tails, where a far candidate wins, have nodes of their own.
    """
    lines = means[..., None] + slopes[..., None] * _NODES  # (M, K, nodes)
    return np.asarray(lines.max(axis=1) @ _WEIGHTS, float)


def _best(posterior: Posterior, cube: Cube, places: Array, count: int) -> Array:
    """Return the places of the highest means, so many at most, the best first."""
    means = posterior.mean(configurations_at_end(cube.features(places)))
    return places[np.argsort(-means, kind="stable")[:count]]


def _first_places(cube: Cube, best: Array, rng: np.random.Generator) -> Array:
    random = rng.random((_RANDOM, cube.axes))
    scales = rng.choice(_SCALES, size=len(best) * _NEAR)
    return cube.snap(np.concatenate([random, _near(best, scales, rng)]))


def _near(anchors: Array, scales: Array | float, rng: np.random.Generator) -> Array:
    """Move about half of the coordinates of each anchor; as many times as there are scales."""
    repeated = np.repeat(anchors, _NEAR, axis=0)
    moved = rng.random(repeated.shape) < 0.5
    step = np.broadcast_to(np.asarray(scales, float), len(repeated))[:, None]
    return _reflected(repeated + step * moved * rng.normal(size=repeated.shape))


def _reflected(places: Array) -> Array:
    """Fold what lies outside the cube back into it."""
    return 1 - np.abs(1 - np.abs(places) % 2)


def _refined(
    places: Array,
    value: Callable[[Array], Array],
    cube: Cube,
    accept: Accept,
    rng: np.random.Generator,
) -> Array | None:
    values = value(places)
    for scale in _ROUNDS:
        anchors = _first(_accepted(places, values, accept), _ANCHORS)
        if not anchors:
            break
        new = cube.snap(_near(np.stack(anchors), scale, rng))
        places, values = np.concatenate([places, new]), np.concatenate([values, value(new)])
    return next(_accepted(places, values, accept), None)


def _accepted(places: Array, values: Array, accept: Accept) -> Iterator[Array]:
    """Yield accepted places, the best first; only so many are looked at."""
    for index in np.argsort(-values, kind="stable")[:_LOOKED_AT]:
        if accept(places[index]):
            yield places[index]


def _first(places: Iterator[Array], count: int) -> list[Array]:
    return [place for place, _ in zip(places, range(count), strict=False)]
