from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from optuna.storages import InMemoryStorage

from platform.results.events import RunEvent
from platform.search.budget import Budget
from platform.search.farewell import MOST_SECONDS, Farewell
from platform.search.faults import Fault
from platform.search.trial_protocol import EVENT
from tests.results.streams import SteppedClock, progressed
from tests.search.worlds import ITERATIONS, opener


class FakeActor:
    """What Tune has of a trial's process: it notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.end_soon = SimpleNamespace(remote=self.told.append)


class Session:
    """A session with trials of Tune's that are told to save."""

    def __init__(self) -> None:
        self.clock = SteppedClock(0.0)
        self.live = opener(InMemoryStorage(), budget=9)()
        self.budget = Budget(hours=None, gpu_hours=None, gpu_seconds=lambda: 0.0)
        self.farewell = Farewell(self.budget, self.live, ITERATIONS, self.clock)

    def start(self) -> Any:
        assignment, actor = self.live.next(), FakeActor()
        assert assignment is not None
        return SimpleNamespace(
            trial_id=f"tune-{assignment.number}",
            config={"number": assignment.number},
            temporary_state=SimpleNamespace(ray_actor=actor),
            told=actor.told,
        )

    def report(self, trial: Any, event: RunEvent) -> None:
        self.farewell.on_trial_result(0, [], trial, {EVENT: event})

    def has_saved(self, trial: Any) -> None:
        fault = Fault(kind="preempted", cause="saved")
        self.live.interrupt(trial.config["number"], fault)
        self.farewell.on_trial_error(0, [], trial)


def test_trials_that_train_are_told_to_save_and_waited_for() -> None:
    session = Session()
    training, starting, scoring = session.start(), session.start(), session.start()
    session.report(training, progressed(0, 20))
    session.report(scoring, progressed(2, 20))
    session.report(scoring, progressed(2, ITERATIONS))
    assert not session.farewell.stop_all()
    session.budget.interrupt()
    assert not session.farewell.stop_all()
    assert not session.farewell.stop_all()
    assert (training.told, starting.told, scoring.told) == (["the search is stopped"], [], [])
    session.has_saved(training)
    assert session.farewell.stop_all()


def test_none_is_handed_out_meanwhile_and_the_next_session_has_those_that_saved() -> None:
    session = Session()
    trial = session.start()
    session.report(trial, progressed(0, 20))
    session.budget.interrupt()
    session.farewell.stop_all()
    session.has_saved(trial)
    assert session.live.next() is None
    assert not session.live.may_come_back()
    assert (session.live.faults.cause, session.live.faults.set_aside) == (None, {})


def test_a_trial_that_hangs_is_waited_for_no_longer_than_a_checkpoint_takes() -> None:
    session = Session()
    session.report(session.start(), progressed(0, 20))
    session.budget.interrupt()
    assert not session.farewell.stop_all()
    session.clock.now += MOST_SECONDS
    assert session.farewell.stop_all()


def test_what_would_break_the_others_too_waits_for_nobody() -> None:
    session = Session()
    session.report(session.start(), progressed(0, 20))
    session.budget.faults.cause = Fault(kind="error", cause="disk full")
    assert session.farewell.stop_all()
