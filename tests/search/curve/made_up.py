"""Made-up rows and trials for the tests of the curve model."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.rows import Inputs, Observed, Rows

Array: TypeAlias = NDArray[np.float64]

GROUPS = np.array([0, 1, 2, 2, 2])  # two ranges and a category of three choices


def random_features(rng: np.random.Generator, count: int) -> Array:
    """Return features of `GROUPS`, (N, 5)."""
    choices = np.eye(3)[rng.integers(3, size=count)] * np.sqrt(0.5)
    return np.concatenate([rng.random((count, 2)), choices], axis=1)


def random_rows(seed: int = 0, trials: int = 6, each: int = 3) -> Rows:
    """Return rows of some trials, a few scores of each."""
    rng = np.random.default_rng(seed)
    x = np.repeat(random_features(rng, trials), each, axis=0)
    t = np.tile(np.linspace(0.3, 1.0, each), trials) + 0.01 * rng.random(trials * each)
    at = Inputs(x, t, np.repeat(np.arange(trials), each))
    return Rows(at, rng.normal(size=len(t)), rng.integers(1, 5, size=len(t)).astype(float))


def random_theta(seed: int = 0, parameters: int = 3) -> Array:
    """Return logarithms of hyper-parameters, all different."""
    return np.random.default_rng(seed).normal(-0.7, 0.4, size=8 + parameters)


def trial(number: int, features: Array, *scores: float, running: bool = False) -> Observed:
    """Return a trial that has been scored at 20, 40 ... percent."""
    progress = np.array([0.2 * place for place in range(1, len(scores) + 1)])
    return Observed(number, features, progress, np.array(scores), running=running)
