from __future__ import annotations

import io

from rich.console import Console

from platform.results.events import SearchEnded, TrialEnded
from platform.results.progress import LiveProgress, PlainProgress, make_progress
from tests.results.streams import (
    SteppedClock,
    fold_all,
    scored,
    search_started,
    trial_started,
)

FAILED = TrialEnded(number=0, state="failed", score=None, reason="[bold] is not finite")


def terminal(file: io.StringIO) -> Console:
    return Console(file=file, force_terminal=True, width=100, height=20, color_system=None)


def test_a_pipe_gets_whole_lines_and_nothing_else() -> None:
    file = io.StringIO()
    progress = make_progress(Console(file=file, width=20), clock=SteppedClock())
    assert isinstance(progress, PlainProgress)
    for event in (search_started(), trial_started(0), FAILED, SearchEnded()):
        progress.handle(event)
    lines = file.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[2] == "12:00:00  trial 0  failed at 0/600  [bold] is not finite"
    assert "\x1b" not in file.getvalue()


def test_a_pipe_hears_at_least_every_half_minute_where_the_search_stands() -> None:
    file, clock = io.StringIO(), SteppedClock()
    progress = make_progress(Console(file=file, width=20), clock=clock)
    assert isinstance(progress, PlainProgress)
    progress.handle(search_started())
    progress.handle(trial_started(0))
    for _ in range(61):
        clock.now += 1.0
        progress.tick()
    lines = [line for line in file.getvalue().splitlines() if "trials done" in line]
    assert [line[:8] for line in lines] == ["12:00:30", "12:01:00"]
    assert "trial 0 at 0/600" in lines[0]
    progress.handle(SearchEnded())


def test_a_score_that_was_there_before_is_not_shown_again() -> None:
    file = io.StringIO()
    progress = make_progress(Console(file=file, width=200), clock=SteppedClock())
    for event in (search_started(), trial_started(0), *[scored(0, 150, 0.4)] * 2, SearchEnded()):
        progress.handle(event)
    assert file.getvalue().count("CAM mIoU 40.0") == 1


def test_a_dumb_terminal_gets_lines_too() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(make_progress(console), PlainProgress)


def test_a_terminal_gets_a_table_in_place_and_its_cursor_back() -> None:
    file = io.StringIO()
    progress = make_progress(terminal(file), clock=SteppedClock())
    assert isinstance(progress, LiveProgress)
    for event in (search_started(), trial_started(0), scored(0, 600, 0.43), SearchEnded()):
        progress.handle(event)
    shown = file.getvalue()
    assert shown.startswith("12:00:00  search partscenes: 4 trials")
    assert "best CAM mIoU 43.0 (trial 0)" in shown
    assert shown.count("\x1b[?25l") == 1
    assert shown.rstrip().endswith("\x1b[?25h")


def test_a_failure_stays_above_the_table_with_its_reason() -> None:
    file = io.StringIO()
    progress = make_progress(terminal(file), clock=SteppedClock())
    for event in (search_started(), trial_started(0), FAILED):
        progress.handle(event)
    progress.handle(SearchEnded())
    lines = [line for line in file.getvalue().splitlines() if "is not finite" in line]
    assert lines[0].endswith("trial 0  failed at 0/600  [bold] is not finite")


def test_a_resumed_search_knows_the_best_of_before() -> None:
    earlier = fold_all([search_started(), trial_started(0), scored(0, 600, 0.5)]).trials
    file = io.StringIO()
    progress = make_progress(Console(file=file, width=200), earlier, SteppedClock())
    for event in (search_started(resumed=1), trial_started(1), scored(1, 120, 0.2)):
        progress.handle(event)
    assert file.getvalue().splitlines()[-1].endswith("best 50.0 (trial 0)")
