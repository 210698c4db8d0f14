from __future__ import annotations

import numpy as np
import pytest

from platform.search.curve.rows import INTERVALS, Observed, make_rows
from platform.search.curve.scaling import ScoreScale, warp_progress
from tests.search.curve.made_up import Array, random_features, trial

X = random_features(np.random.default_rng(0), 400)
AS_IT_IS = ScoreScale(middle=0.0, unit=1.0)


def test_scores_are_averaged_within_the_intervals_of_progress() -> None:
    progress = np.array([2, 4, 8, 10, 12, 30, 40, 52]) / 52
    scores = np.array([0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    rows = make_rows([Observed(3, X[0], progress, scores)], AS_IT_IS)
    np.testing.assert_allclose(rows.y, [0.2, 0.5, 0.7, 0.8, 0.9])
    np.testing.assert_array_equal(rows.count, [2, 3, 1, 1, 1])
    np.testing.assert_array_equal(rows.at.trial, 3)
    np.testing.assert_allclose(rows.at.t[2], warp_progress(30 / 52))
    assert INTERVALS[-1] == 1


def test_a_failed_trial_is_as_bad_as_the_worst_score() -> None:
    broken = Observed(1, X[1], np.array([0.2]), np.array([0.9]), failed=True)
    rows = make_rows([trial(0, X[0], 0.1, 0.4), broken], AS_IT_IS)
    assert (rows.y[-1], rows.at.t[-1], rows.at.trial[-1]) == (0.1, 1.0, 1)
    assert len(rows) == 3


def test_rows_are_bounded_and_the_best_trials_keep_all_of_theirs() -> None:
    scores = np.random.default_rng(0).random(400)
    trials = [trial(n, X[n], 0.1, scores[n] / 2, 0.2, 0.3, scores[n]) for n in range(400)]
    rows = make_rows(trials, AS_IT_IS, limit=200)
    assert 150 < len(rows) <= 200
    kept = np.bincount(rows.at.trial, minlength=400)
    whole = len(make_rows(trials[:1], AS_IT_IS))
    best = np.argsort(-scores)[: 100 // whole]
    assert (kept[best] == whole).all()
    others = np.flatnonzero(kept == 1)
    assert len(others) > 50
    assert np.ptp(others) > 350  # from the whole search


def test_failures_are_bounded_too() -> None:
    broken = [Observed(n, X[n], np.array([]), np.array([]), failed=True) for n in range(1, 400)]
    rows = make_rows([trial(0, X[0], 0.5), *broken], AS_IT_IS, limit=100)
    assert len(rows) <= 100
    assert rows.at.trial[0] == 0


@pytest.mark.parametrize("scores", [[0.1, 0.4, 0.6], [0.5], [0.3, 0.3]])
def test_the_median_is_0_and_the_best_1(scores: list[float]) -> None:
    scale = ScoreScale.of(np.array(scores))
    assert scale(np.array([np.median(scores)]))[0] == 0
    if max(scores) > np.median(scores):
        assert scale(np.array([max(scores)]))[0] == pytest.approx(1)


def test_the_tail_of_bad_scores_is_drawn_in_and_order_kept() -> None:
    scale = ScoreScale(middle=0.5, unit=0.1)
    scores = np.linspace(-1, 1, 101)
    z: Array = scale(scores)
    assert (np.diff(z) > 0).all()
    assert z[0] == pytest.approx(-1 - np.log(15))
    np.testing.assert_allclose(scale.back(z), scores, atol=1e-12)
    middle = 0.5 * (z[1:] + z[:-1])
    np.testing.assert_allclose(scale.slope(middle), np.diff(scores) / np.diff(z), rtol=0.05)


def test_warped_progress_runs_from_0_to_1() -> None:
    np.testing.assert_allclose(warp_progress(np.array([0.0, 0.2, 1.0])), [0, 0.5286, 1], atol=1e-4)
