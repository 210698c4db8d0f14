"""Hyper-parameters drawn from their posterior, where one most probable value says too much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.fit import LogNormal, log_likelihood
from platform.search.curve.rows import Rows

Array: TypeAlias = NDArray[np.float64]

_BURN_IN, _EVERY = 30, 5  # of a chain that begins at the optimum; neighbours in it are alike


def draw_thetas(
    rows: Rows,
    groups: NDArray[np.intp],
    prior: LogNormal,
    start: Array,
    count: int,
    rng: np.random.Generator,
) -> list[Array]:
    """Draw hyper-parameters by elliptical slice sampling; return their logarithms theta, (8 + P,).

    Murray, Adams and MacKay, Elliptical slice sampling (2010), figure 2: it wants a normal prior,
    which theta has, and nothing to be tuned.

    Args:
        rows: what was observed.
        groups: the parameter that each feature belongs to, (D,).
        prior: of theta.
        start: where the chain begins: the optimum, which needs no long burn-in.
        count: of draws.
        rng: where they come from.
    """

    def likelihood(z: Array) -> float:
        return log_likelihood(prior.middle + prior.sd * z, rows, groups)

    chain = _chain((start - prior.middle) / prior.sd, likelihood, rng)
    kept = islice(chain, _BURN_IN, _BURN_IN + count * _EVERY, _EVERY)
    return [prior.middle + prior.sd * z for z in kept]


def _chain(
    z: Array, likelihood: Callable[[Array], float], rng: np.random.Generator
) -> Iterator[Array]:
    """Yield the states of a chain whose prior is the standard normal, without end."""
    level = likelihood(z)
    while True:
        z, level = _step(z, level, likelihood, rng)
        yield z


def _step(
    z: Array, level: float, likelihood: Callable[[Array], float], rng: np.random.Generator
) -> tuple[Array, float]:
    """Return a state on the ellipse through this one and a draw of the prior, and its level."""
    other = rng.normal(size=z.shape)
    least = level + math.log(1.0 - rng.random())  # never log 0
    angle = rng.uniform(0.0, 2 * math.pi)
    low, high = angle - 2 * math.pi, angle
    while True:
        new = z * math.cos(angle) + other * math.sin(angle)
        found = likelihood(new)
        if found > least:
            return new, found
        low, high = (angle, high) if angle < 0 else (low, angle)
        angle = rng.uniform(low, high)
