"""How probable it is that each of several configurations is the best of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DRAWS = 100_000  # a probability is then known to 0.3 %


def probability_best(scores: NDArray[np.float64]) -> list[float]:
    """Return the probability of each configuration to have the highest true mean.

    The model is score = configuration + seed + noise, with flat priors and one noise for all:
    the noise's variance is the residual sum of squares over a chi-squared variate of (K - 1)(n - 1)
    degrees of freedom, and each mean is normal around the observed one. The seeds' own effects are
    the same for all, and drop out. Drawn with a fixed seed: equal scores give equal answers.

    Args:
        scores: (K, n) of K configurations on the same n seeds.

    Returns:
        K probabilities, which add up to 1; of one seed equal ones, since it says nothing of noise.
    """
    count, seeds = scores.shape
    freedom = (count - 1) * (seeds - 1)
    if freedom == 0:
        return [1 / count] * count
    means = scores.mean(axis=1)
    residual = scores - means[:, None] - scores.mean(axis=0) + scores.mean()
    rng = np.random.default_rng(0)
    variance = np.square(residual).sum() / rng.chisquare(freedom, _DRAWS)  # (D,)
    noise = rng.standard_normal((_DRAWS, count)) * np.sqrt(variance / seeds)[:, None]
    drawn = means + noise  # (D, K)
    highest = drawn >= drawn.max(axis=1, keepdims=True)  # without noise, equals share
    return (highest / highest.sum(axis=1, keepdims=True)).mean(axis=0).tolist()
