"""The configuration to train next: the one that is expected to improve most on the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from platform.search.curve.posterior import Posterior
from platform.search.curve.rows import configurations_at_end
from platform.search.space.cube import Cube

Array: TypeAlias = NDArray[np.float64]
Accept: TypeAlias = Callable[[Array], bool]  # whether the configuration at a place, (P,), is wanted

_RANDOM = 400  # places drawn uniformly
_NEAR = 30  # places drawn around each of the best
_ANCHORS = 6
_SCALES = np.array([0.03, 0.1, 0.25])  # of steps, in widths of the cube
_ROUNDS = (0.08, 0.03, 0.01)  # scales of the refinements, one after the other
_LOOKED_AT = 200  # best places whose acceptance is asked for
_LISTED = 1500  # a space of no more configurations is looked at as a whole


def expected_improvement(mean: Array, sd: Array) -> Array:
    """Return E[max(lead, 0)] for leads of normal distribution, (M,).

    sd (z Phi(z) + phi(z)), z = mean / sd: Jones, Schonlau and Welch (1998), equation 15.
    """
    z = mean / sd
    return sd * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))


def propose(
    posterior: Posterior, cube: Cube, known: Array, accept: Accept, rng: np.random.Generator
) -> Array | None:
    """Return the accepted place of the highest expected improvement, (P,); None without any.

    It is the improvement at the end of training over the known configuration of the highest mean,
    without the luck of seeds and scores.

    Args:
        posterior: the model, running trials believed in.
        cube: of the search space.
        known: places of the configurations that were tried, (N, P).
        accept: whether a place may be proposed.
        rng: where candidates come from.
    """
    means = posterior.mean(configurations_at_end(cube.features(known)))
    order = np.argsort(-means, kind="stable")
    incumbent = known[order[:1]]

    def value(places: Array) -> Array:
        at = configurations_at_end(cube.features(places))
        over = configurations_at_end(cube.features(incumbent))
        return expected_improvement(*posterior.lead(at, over))

    listed = cube.all_places(_LISTED)
    if listed is not None:
        return next(_accepted(listed, value(listed), accept), None)
    places = _first_places(cube, known[order[:_ANCHORS]], rng)
    return _refined(places, value, cube, accept, rng)


def propose_again(posterior: Posterior, cube: Cube, known: Array) -> Array:
    """Return the known place, (P,), that may well be the best: of the highest mean + sd.

    Trained again with another seed, its sd falls, and the turn is another's.
    """
    mean, sd = posterior.predict(configurations_at_end(cube.features(known)))
    return known[int(np.argmax(mean + sd))]


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
