"""The progress of one longer task: a bar in a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from platform.results.formats import duration
from platform.results.progress import LINE_SECONDS, print_line
from platform.results.ticker import Ticker

NEWS_SHARE = 0.1  # of the task, and
NEWS_SECONDS = 5.0  # between two lines at least; at most LINE_SECONDS


class Task(Protocol):
    """A task under way."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps as done; a note, such as the loss, stands beside them."""
        ...


@contextmanager
def task_progress(
    console: Console,
    description: str,
    total: int,
    clock: Callable[[], float] = time.monotonic,
    *,
    done: int = 0,
) -> Iterator[Task]:
    """Show how far a task has come while the context is open.

    Args:
        console: where to.
        description: what is done, a few words.
        total: steps of the task.
        clock: s, from any origin.
        done: steps that an earlier session has done.
    """
    if console.is_interactive and not console.is_dumb_terminal:
        with _bar(console) as progress:
            yield _BarTask(progress, description, total, done)
    else:
        lines = LineTask(console, description, total, clock, done)
        ticker = Ticker(lines.tick, 1.0)
        ticker.start()
        try:
            yield lines
        finally:
            ticker.stop()
        lines.finish()


@contextmanager
def counting_progress(console: Console, description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a task that says how many steps are done, of how many; nothing while it never does.

    What is done when it first says so was done by an earlier session.
    """
    with ExitStack() as stack:
        task: Task | None = None
        shown = 0

        def progress(done: int, total: int) -> None:
            nonlocal task, shown
            if task is None:
                task = stack.enter_context(task_progress(console, description, total, done=done))
            else:
                task.advance(done - shown)
            shown = done

        yield progress


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30, complete_style="blue", finished_style="green"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )


class _BarTask:
    def __init__(self, progress: Progress, description: str, total: int, done: int) -> None:
        self._progress = progress
        self._id = progress.add_task(description, total=total, completed=done, note="")

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._progress.update(self._id, advance=steps, note=note)


class LineTask:
    """A task shown as lines: at once, at each tenth, and every half minute."""

    def __init__(
        self,
        console: Console,
        description: str,
        total: int,
        clock: Callable[[], float],
        done: int = 0,
    ) -> None:
        self._console = console
        self._description = description
        self._total = total
        self._clock = clock
        self._began = self._printed_at = clock()
        self._done = self._printed = self._earlier = done
        self._note = ""
        self._lock = threading.Lock()
        self._print(f"{done}/{total}")

    def advance(self, steps: int = 1, note: str = "") -> None:
        with self._lock:
            self._done += steps
            self._note = note
            is_news = self._done - self._printed >= NEWS_SHARE * self._total
            is_due = self._clock() - self._printed_at >= NEWS_SECONDS
            if is_news and is_due and self._done < self._total:
                self._print(f"{self._done}/{self._total}", self._left())

    def tick(self) -> None:
        """Say how far the task is, if the last line is old."""
        with self._lock:
            if self._clock() - self._printed_at >= LINE_SECONDS:
                self._print(f"{self._done}/{self._total}", self._left())

    def finish(self) -> None:
        self._print(f"{self._done}/{self._total} in {duration(self._clock() - self._began)}")

    def _left(self) -> str:
        done, left = self._done - self._earlier, self._total - self._done
        if not done or not left:
            return ""
        return f"{duration((self._clock() - self._began) / done * left)} left"

    def _print(self, reached: str, left: str = "") -> None:
        self._printed, self._printed_at = self._done, self._clock()
        parts = (self._description, reached, self._note, left)
        print_line(self._console, "  ".join(part for part in parts if part))
