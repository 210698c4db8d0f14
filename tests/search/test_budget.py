from __future__ import annotations

import pytest

from platform.search.budget import Budget
from platform.search.faults import Fault


class Clock:
    """A clock that a test sets, s."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(
    clock: Clock, hours: float | None = None, gpu_hours: float | None = None, trained: float = 0.0
) -> Budget:
    return Budget(hours=hours, gpu_hours=gpu_hours, gpu_seconds=lambda: trained, clock=clock)


def test_without_limits_a_session_goes_on() -> None:
    clock = Clock()
    unlimited = budget(clock, trained=1e9)
    clock.now += 1e9
    assert not unlimited.stop_all()
    assert unlimited.spent() is None


def test_hours_count_from_the_start_of_the_session() -> None:
    clock = Clock()
    two_hours = budget(clock, hours=2)
    clock.now += 7199
    assert not two_hours.stop_all()
    clock.now += 1
    assert two_hours.stop_all()
    assert two_hours.spent() == "2 hours"


@pytest.mark.parametrize(("trained", "spent"), [(1799.0, None), (1800.0, "0.5 GPU-hours")])
def test_gpu_hours_are_those_of_training(trained: float, spent: str | None) -> None:
    assert budget(Clock(), gpu_hours=0.5, trained=trained).spent() == spent


def test_an_interruption_ends_the_session_and_spends_nothing() -> None:
    interrupted = budget(Clock(), hours=1)
    interrupted.interrupt()
    assert interrupted.stop_all()
    assert interrupted.spent() is None


def test_a_fault_that_breaks_every_trial_ends_the_session() -> None:
    session = budget(Clock())
    for number in range(3):
        assert not session.stop_all()
        session.faults.take(number, Fault(kind="process", cause="killed"))
    assert session.stop_all()


def test_no_single_trial_is_stopped() -> None:
    interrupted = budget(Clock())
    interrupted.interrupt()
    assert not interrupted("trial", {"score": 0.0})
