from __future__ import annotations

import numpy as np

from platform.search.front.weighting import Weighting, front_order, on_front

# the second and the third are the front's bulge and its dent; the last is worse than the third
POINTS = np.array([[1.0, 0.0], [0.8, 0.8], [0.85, 0.5], [0.0, 1.0], [0.5, 0.4]])


def test_the_front_is_what_no_other_point_is_better_than() -> None:
    assert on_front(POINTS).tolist() == [True, True, True, True, False]


def test_equal_points_are_on_the_front_together() -> None:
    assert on_front(np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])).tolist() == [True, True, False]


def test_with_one_objective_the_front_is_the_highest() -> None:
    assert on_front(np.array([[0.1], [0.3], [0.2]])).tolist() == [False, True, False]
    assert front_order(np.array([[0.1], [0.3], [0.2], [0.3]]), 3) == [1, 3, 2]


def test_every_point_of_the_front_is_the_best_under_some_weights_also_in_a_dent() -> None:
    dented = np.array([[1.0, 0.0], [0.4, 0.4], [0.0, 1.0], [0.3, 0.3], [-1.0, -1.0]])
    rng = np.random.default_rng(0)
    weightings = [Weighting.of(dented, weights) for weights in rng.dirichlet(np.ones(2), 200)]
    best = {int(np.argmax(weighting(dented))) for weighting in weightings}
    assert best == {0, 1, 2}


def test_scales_of_objectives_do_not_matter() -> None:
    stretched = POINTS * [1.0, 100.0] + [0.0, 5.0]
    weights = np.array([0.5, 0.5])
    values, others = (Weighting.of(one, weights)(one) for one in (POINTS, stretched))
    np.testing.assert_allclose(values, others)


def test_the_ends_of_the_front_come_first_and_what_is_behind_it_last() -> None:
    order = front_order(POINTS, len(POINTS))
    assert front_order(POINTS, 3) == order[:3]
    assert set(order[:2]) == {0, 3}
    assert order[-1] == 4
    assert sorted(order) == [0, 1, 2, 3, 4]
