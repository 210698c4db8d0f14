"""Several comparisons at once: Holm's step-down correction."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values such that all below 5 % together are wrong in 5 % of studies at most.

    The smallest is multiplied by their number, the next by one less, and so on, and none falls
    below the one before it (Holm, Scandinavian Journal of Statistics, 1979). It holds however the
    comparisons depend on each other, as those with one recipe do.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
