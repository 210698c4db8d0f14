from __future__ import annotations

from dataclasses import replace

import pytest

from platform.results.events import Event, TrialEnded, TrialPlaced
from platform.results.status_line import status_line
from tests.results.streams import (
    NOON,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)

START = search_started(score_points=(150, 300, 450, 600), trial_needs="4 CPU, 1 GPU")
ONE: list[Event] = [START, trial_started(0), progressed(0, 120)]


def line(*events: Event | tuple[float, Event]) -> str:
    return status_line(fold_all(events), NOON + 60)


def test_the_line_says_how_far_each_trial_is_how_fast_and_when_it_is_over() -> None:
    assert line(*ONE) == (
        "0 of 4 trials done, trial 0 at 120/600 (0.1 s a step); expected end 12:20, in 19 min 00 s"
    )


def test_a_score_is_in_flight_from_its_iteration_until_it_is_there() -> None:
    assert "in flight" not in line(*ONE)
    assert "; 1 score in flight;" in line(*ONE, progressed(0, 160))
    assert "; 2 scores in flight;" in line(*ONE, progressed(0, 320))
    assert "; 1 score in flight;" in line(*ONE, progressed(0, 320), scored(0, 150, 0.4))
    ended = TrialEnded(number=0, state="pruned", score=0.4)
    assert "in flight" not in line(*ONE, progressed(0, 320), scored(0, 150, 0.4), ended)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 trial waits for a machine with 4 CPU, 1 GPU"),
        (2, "2 trials wait for a machine with 4 CPU, 1 GPU"),
    ],
)
def test_trials_wait_until_they_are_placed(count: int, text: str) -> None:
    waiting = [trial_started(1 + index, waiting=True) for index in range(count)]
    assert f"; {text};" in line(*ONE, *waiting)
    placed = [TrialPlaced(number=1 + index) for index in range(count)]
    assert " wait" not in line(*ONE, *waiting, *placed)


def test_retries_are_counted() -> None:
    state = fold_all(ONE)
    rows = {0: replace(state.rows[0], retries=2)}
    assert "; 2 retries;" in status_line(replace(state, rows=rows), NOON)


def test_several_machines_are_counted() -> None:
    events = [trial_started(1), progressed(1, 60)]
    machines = [TrialPlaced(number=n, machine=f"10.0.0.{n + 1}") for n in range(2)]
    assert "; 2 machines;" in line(*ONE, *events, *machines)


def test_the_time_before_a_trial_had_a_machine_does_not_count_for_the_pace() -> None:
    first = trial_started(0, waiting=True)
    placed = (50.0, TrialPlaced(number=0))
    # 120 iterations took 10 s, and not 60 s
    assert "in 3 min 10 s" in line(START, first, placed, (60.0, progressed(0, 120)))


def test_of_many_trials_only_the_first_are_named() -> None:
    many = [trial_started(number) for number in range(10)]
    assert "trial 3 at 0/600, 6 more run;" in line(search_started(trials=20), *many)
