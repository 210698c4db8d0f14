from __future__ import annotations

import subprocess
import sys

import pytest

from platform.results.events import Event, fan_out
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


@pytest.mark.parametrize("module", ["tables", "progress", "task_progress", "summary", "pictures"])
def test_what_a_command_line_shows_does_not_wait_for_torch_or_ray(module: str) -> None:
    code = f"import sys, platform.results.{module}; print({{'torch', 'ray'}} & {{*sys.modules}})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
