from __future__ import annotations

import io

import pytest
from rich.console import Console

from platform.results.task_progress import LineTask, counting_progress, task_progress
from tests.results.streams import SteppedClock


def test_a_pipe_gets_a_line_for_each_tenth_but_not_more_often_than_every_5_seconds() -> None:
    file, clock = io.StringIO(), SteppedClock(0.0)
    with task_progress(Console(file=file), "training", 100, clock) as task:
        for step in range(1, 101):
            clock.now = step * 0.2  # a tenth takes 2 s, so that every third one is due
            task.advance(note=f"loss {step}")
    assert file.getvalue().splitlines() == [
        "training  0/100",
        "training  25/100  loss 25  15 s left",
        "training  50/100  loss 50  10 s left",
        "training  75/100  loss 75  5 s left",
        "training  100/100 in 20 s  loss 100",
    ]


def test_a_task_that_stands_still_says_so_every_half_minute() -> None:
    file, clock = io.StringIO(), SteppedClock(0.0)
    task = LineTask(Console(file=file), "training", 1000, clock)
    task.advance(3)
    for second in range(1, 61):
        clock.now = float(second)
        task.tick()
    assert file.getvalue().splitlines() == [
        "training  0/1000",
        "training  3/1000  2 h 46 min left",
        "training  3/1000  5 h 32 min left",
    ]


def test_a_short_task_is_two_lines() -> None:
    file, clock = io.StringIO(), SteppedClock(0.0)
    with task_progress(Console(file=file), "drawing train", 50, clock) as task:
        task.advance(50)
    assert file.getvalue() == "drawing train  0/50\ndrawing train  50/50 in 0 s\n"


def fail_half_way(console: Console) -> None:
    with task_progress(console, "training", 10) as task:
        task.advance(5)
        raise RuntimeError("stop")


def test_a_task_that_fails_is_not_called_done() -> None:
    file = io.StringIO()
    with pytest.raises(RuntimeError, match="stop"):
        fail_half_way(Console(file=file))
    assert file.getvalue() == "training  0/10\n"


def test_a_terminal_gets_a_bar_with_the_note() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120)
    with task_progress(console, "training", 10) as task:
        task.advance(10, note="[loss] 0.5")
    last = file.getvalue()
    assert "10/10" in last
    assert "[loss] 0.5" in last
    assert "\x1b[?25h" in last


def test_what_an_earlier_session_has_done_is_counted_but_no_news() -> None:
    file, clock = io.StringIO(), SteppedClock(0.0)
    with task_progress(Console(file=file), "training", 100, clock, done=60) as task:
        clock.now = 6.0
        task.advance(5)  # not a tenth yet
        task.advance(5)
    assert file.getvalue().splitlines() == [
        "training  60/100",
        "training  70/100  18 s left",
        "training  70/100 in 6 s",
    ]


def test_a_task_that_counts_for_itself_begins_where_an_earlier_session_ended() -> None:
    file = io.StringIO()
    with counting_progress(Console(file=file), "writing") as progress:
        for done in (60, 61, 80, 100):
            progress(done, 100)
    assert file.getvalue() == "writing  60/100\nwriting  100/100 in 0 s\n"


def test_a_task_that_never_counts_is_not_shown() -> None:
    file = io.StringIO()
    with counting_progress(Console(file=file), "drawing"):
        pass
    assert file.getvalue() == ""
