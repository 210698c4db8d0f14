from __future__ import annotations

import subprocess
import sys

import pytest

from platform.results.events import Event, SearchEnded, SearchStarted, fan_out
from tests.results.streams import search_started, trial_started


class Recorder:
    def __init__(self, name: str, log: list[tuple[str, Event]]) -> None:
        self._name = name
        self._log = log

    def handle(self, event: Event) -> None:
        self._log.append((self._name, event))


def test_each_sink_gets_each_event_in_order() -> None:
    log: list[tuple[str, Event]] = []
    sink = fan_out(Recorder("tables", log), Recorder("progress", log))
    events: list[Event] = [search_started(), trial_started(0)]
    for event in events:
        sink.handle(event)
    assert log == [(name, event) for event in events for name in ("tables", "progress")]


class Breaks(Recorder):
    def __init__(self, name: str, log: list[tuple[str, Event]], at: type[Event]) -> None:
        super().__init__(name, log)
        self._at = at

    def handle(self, event: Event) -> None:
        super().handle(event)
        if isinstance(event, self._at):
            raise KeyboardInterrupt


def test_a_start_that_is_broken_off_ends_for_those_that_have_begun() -> None:
    log: list[tuple[str, Event]] = []
    breaks = Breaks("tensorboard", log, SearchStarted)
    sink = fan_out(Recorder("tables", log), breaks, Recorder("progress", log))
    with pytest.raises(KeyboardInterrupt):
        sink.handle(search_started())
    sink.handle(SearchEnded())
    ended = ("tables", SearchEnded())
    assert log == [("tables", search_started()), ("tensorboard", search_started()), ended]


def test_the_end_reaches_each_sink_in_order_whatever_one_raises() -> None:
    log: list[tuple[str, Event]] = []
    breaks = Breaks("tables", log, SearchEnded)
    sink = fan_out(breaks, Recorder("progress", log))
    sink.handle(search_started())
    with pytest.raises(KeyboardInterrupt):
        sink.handle(SearchEnded(interrupted=True))
    ended = SearchEnded(interrupted=True)
    assert log[2:] == [("tables", ended), ("progress", ended)]


@pytest.mark.parametrize("module", ["tables", "progress", "task_progress", "summary", "pictures"])
def test_what_a_command_line_shows_does_not_wait_for_torch_or_ray(module: str) -> None:
    code = f"import sys, platform.results.{module}; print({{'torch', 'ray'}} & {{*sys.modules}})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
