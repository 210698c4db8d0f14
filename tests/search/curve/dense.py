"""The covariance of the curve model, entry by entry, as its equation stands."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.rows import NO_TRIAL, Inputs
from tests.search.curve.made_up import GROUPS

Array: TypeAlias = NDArray[np.float64]


def dense_covariance(theta: Array, a: Inputs, b: Inputs) -> Array:
    """Return the covariance between all points of two sets, (N, M)."""
    common, f, g, offset, own, _, time, common_time, *lengths = np.exp(theta)
    K = np.empty((len(a), len(b)))
    for i, j in np.ndindex(K.shape):
        scaled = (a.x[i] - b.x[j]) / np.array(lengths)[GROUPS]
        r = math.sqrt(scaled @ scaled)
        k = (1 + math.sqrt(3) * r) * math.exp(-math.sqrt(3) * r)
        kt = math.exp(-0.5 * ((a.t[i] - b.t[j]) / time) ** 2)
        kc = math.exp(-0.5 * ((a.t[i] - b.t[j]) / common_time) ** 2)
        K[i, j] = common**2 * kc + k * (f**2 + g**2 * kt)
        if a.trial[i] == b.trial[j] != NO_TRIAL:
            K[i, j] += offset**2 + own**2 * kt
    return K
