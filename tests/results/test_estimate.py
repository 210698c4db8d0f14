from __future__ import annotations

import pytest

from platform.results.estimate import Pace, search_seconds_left, seconds_left
from platform.results.events import TrialEnded
from tests.results.streams import NOON, fold_all, progressed, search_started, trial_started

ONE_SECOND_EACH = Pace(seconds=100.0, iterations=100.0)


@pytest.mark.parametrize(
    ("running", "waiting", "slots", "expected"),
    [
        ([], 0, 1, 0.0),
        ([50.0], 0, 1, 50.0),
        ([50.0], 2, 1, 250.0),
        ([50.0], 1, 2, 100.0),  # the free slot takes it at once
        ([50.0, 10.0], 2, 2, 150.0),  # 10 + 100 and 50 + 100
        ([], 5, 2, 300.0),
    ],
)
def test_the_next_trial_goes_to_the_slot_that_is_free_first(
    running: list[float], waiting: int, slots: int, expected: float
) -> None:
    assert seconds_left(ONE_SECOND_EACH, running, waiting, 100.0, slots) == expected


def test_without_a_pace_nothing_is_expected() -> None:
    assert seconds_left(Pace(10.0, 0), [50.0], 1, 100.0, 1) is None


def test_before_the_first_end_the_pace_is_that_of_the_running_trials() -> None:
    state = fold_all([search_started(trials=2), trial_started(0), (60, progressed(0, 300))])
    # 300 iterations in 60 s; 300 more of this trial, 600 of the next
    assert search_seconds_left(state, NOON + 60) == pytest.approx(60 + 120)


def test_a_trial_that_has_hardly_begun_says_nothing() -> None:
    state = fold_all([search_started(), trial_started(0), (60, progressed(0, 5))])
    assert search_seconds_left(state, NOON + 60) is None


def test_waiting_trials_are_expected_to_be_pruned_as_often_as_those_before() -> None:
    state = fold_all(
        [
            search_started(trials=4),
            trial_started(0),
            (60, progressed(0, 600)),
            (60, TrialEnded(number=0, state="complete", score=0.4)),
            (60, trial_started(1)),
            (72, progressed(1, 120)),
            (72, TrialEnded(number=1, state="pruned", score=0.1)),
        ]
    )
    # 720 iterations in 72 s; two trials of 360 iterations on average
    assert search_seconds_left(state, NOON + 72) == pytest.approx(72)


def test_a_resumed_trial_is_paced_by_what_it_trains_in_this_session() -> None:
    state = fold_all(
        [search_started(trials=1), trial_started(0, iteration=300), (20, progressed(0, 400))]
    )
    assert search_seconds_left(state, NOON + 20) == pytest.approx(40)
