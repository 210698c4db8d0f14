from __future__ import annotations

from platform.search.stalls import Silence, StallWatch


class Clock:
    """A clock that a test sets, s."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def moving(clock: Clock, every: float, minutes: float | None = None) -> StallWatch:
    """Return the watch over a trial 3 that made progress five times, so many seconds apart."""
    watch = StallWatch(minutes, clock)
    watch.started(3)
    for _ in range(5):
        clock.now += every
        watch.moved(3)
    return watch


def test_a_silence_is_shown_after_a_minute_and_whenever_it_has_doubled() -> None:
    clock = Clock()
    watch = moving(clock, 2.0)
    shown: list[Silence] = []
    for _ in range(500):
        shown += watch.silent()
        clock.now += 1
    assert shown == [Silence(3, 60.0), Silence(3, 120.0), Silence(3, 240.0), Silence(3, 480.0)]


def test_a_trial_of_long_steps_is_not_silent_between_them() -> None:
    clock = Clock()
    watch = moving(clock, 50.0)
    clock.now += 149
    assert watch.silent() == []
    clock.now += 1
    assert watch.silent() == [Silence(3, 150.0)]


def test_a_trial_is_stalled_after_ten_minutes_or_fifty_of_its_intervals() -> None:
    for every, limit in ((2.0, 600), (60.0, 3000)):
        clock = Clock()
        watch = moving(clock, every)
        clock.now += limit - 1
        assert watch.stalled() == []
        clock.now += 1
        assert watch.stalled() == [3]
        assert watch.stalled() == []  # it is being ended
        assert watch.take_stalled(3) == limit
        assert watch.take_stalled(3) is None


def test_a_start_may_take_half_an_hour() -> None:
    clock = Clock()
    watch = StallWatch(clock=clock)
    watch.started(3)
    clock.now += 1799
    assert watch.stalled() == []
    assert watch.silent() == []
    clock.now += 1
    assert watch.stalled() == [3]


def test_the_limit_of_the_user_holds_from_the_start() -> None:
    clock = Clock()
    watch = StallWatch(2.0, clock)
    watch.started(3)
    clock.now += 120
    assert watch.stalled() == [3]


def test_a_trial_that_waits_for_its_scores_is_watched_no_more() -> None:
    clock = Clock()
    watch = moving(clock, 2.0)
    watch.over(3)
    watch.moved(3)  # a late event
    clock.now += 1e6
    assert (watch.silent(), watch.stalled()) == ([], [])


def test_progress_ends_a_silence() -> None:
    clock = Clock()
    watch = moving(clock, 2.0)
    clock.now += 70
    assert len(watch.silent()) == 1
    watch.moved(3)
    clock.now += 59
    assert watch.silent() == []
