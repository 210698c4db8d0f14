"""A single run on the terminal: a bar, or lines, with its losses, and a line for each score."""

from __future__ import annotations

import time
from contextlib import ExitStack

from rich.console import Console

from platform.results.events import (
    SCORE_FIELDS,
    Event,
    MachineStruckOff,
    SearchEnded,
    SearchStarted,
    TrialBroken,
    TrialEnded,
    TrialForked,
    TrialPlaced,
    TrialProgressed,
    TrialScored,
    TrialSilent,
    TrialStarted,
    TrialWentBack,
)
from platform.results.plain_lines import score_text
from platform.results.progress import print_line
from platform.results.search_state import SearchState, fold
from platform.results.status_line import work_texts
from platform.results.task_progress import Task, task_progress


class RunProgress:
    """A sink that shows a run, which is a search of one trial."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stack = ExitStack()
        self._task: Task | None = None
        self._name, self._iterations, self._done = "", 0, 0
        self._state = SearchState()

    def handle(self, event: Event) -> None:
        self._state = fold(self._state, event, time.time())
        match event:
            case SearchStarted():
                self._name, self._iterations = event.name, event.iterations
            case TrialStarted():
                self._start(event.iteration)
            case TrialWentBack():
                print_line(self._console, f"{self._name}: {event.damage}")
            case TrialProgressed():
                self._progress(event)
            case TrialScored():
                print_line(self._console, self._score_line(event))
            case (
                TrialPlaced()
                | TrialForked()
                | TrialEnded()
                | TrialSilent()
                | TrialBroken()
                | MachineStruckOff()
            ):
                pass
            case SearchEnded():
                self._stack.close()

    def _start(self, iteration: int) -> None:
        if iteration:
            print_line(self._console, f"{self._name}: going on at iteration {iteration}")
        self._done = iteration
        progress = task_progress(self._console, self._name, self._iterations, done=iteration)
        self._task = self._stack.enter_context(progress)

    def _progress(self, event: TrialProgressed) -> None:
        assert self._task is not None, "TrialStarted comes before"
        loss = [f"loss {event.losses['total']:.3f}"] if "total" in event.losses else []
        seconds = self._state.rows[event.number].step_seconds
        pace = [] if seconds is None else [f"{seconds:.2g} s a step"]
        self._task.advance(
            event.iteration - self._done, "  ".join([*loss, *pace, *work_texts(self._state)])
        )
        self._done = event.iteration

    def _score_line(self, event: TrialScored) -> str:
        numbers = [field for field in SCORE_FIELDS if field.per_trial == "latest" and field.heading]
        reached = f"{event.iteration}/{self._iterations}"
        return f"{self._name}  {reached}  {score_text(event, numbers)}"
