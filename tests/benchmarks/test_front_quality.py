from __future__ import annotations

import numpy as np
import pytest

from benchmarks.front_quality import hypervolume


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([[1.0, 1.0]], 1.0),
        ([[1.0, 0.5], [0.5, 1.0]], 0.75),
        ([[1.0, 0.5], [0.5, 1.0], [0.4, 0.4]], 0.75),  # what others are better than adds nothing
        ([[1.0, -1.0], [-1.0, 1.0]], 0.0),
        ([[2.0, 0.1], [0.1, 2.0], [1.0, 1.0]], 1.0 + 0.1 + 0.1),
    ],
)
def test_the_hypervolume_is_the_area_above_the_origin(
    points: list[list[float]], area: float
) -> None:
    assert hypervolume(np.array(points)) == pytest.approx(area)


def test_it_is_that_of_counted_places() -> None:
    rng = np.random.default_rng(0)
    points, places = rng.random((6, 2)), rng.random((200_000, 2))
    below = (points[None] >= places[:, None]).all(axis=2)  # of which points, (200_000, 6)
    inside = below.sum(axis=1) > 0
    assert hypervolume(points) == pytest.approx(inside.mean(), abs=0.005)
