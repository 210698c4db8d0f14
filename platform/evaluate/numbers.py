"""Numbers as JSON can hold them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float) -> float | None:
    """Return a number, or null where there is none."""
    return value if math.isfinite(value) else None


def by_class(class_names: Sequence[str], values: Sequence[float]) -> dict[str, float | None]:
    """Name the values of all classes."""
    return dict(zip(class_names, map(number, values), strict=True))
