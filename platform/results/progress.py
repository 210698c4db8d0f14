"""The search on the terminal: a live table, or lines where the output is not a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from platform.results.events import (
    Event,
    MachineStruckOff,
    SearchEnded,
    SearchStarted,
    Sink,
    TrialBroken,
    TrialEnded,
    TrialSilent,
    TrialWentBack,
)
from platform.results.formats import clock_time
from platform.results.live_table import live_table
from platform.results.plain_lines import is_repeated, plain_line
from platform.results.search_state import Clock, SearchState, fold, from_rows
from platform.results.status_line import status_line
from platform.results.ticker import Ticker
from platform.results.trial_rows import TrialRow

LINE_SECONDS = 30.0  # between two lines at most, so that nobody thinks a search stands still
REFRESHES_PER_SECOND = 2  # the clock ticks; more would only cost the trials processor time


def make_progress(
    console: Console, earlier: Iterable[TrialRow] = (), clock: Clock = time.time
) -> Sink:
    """Show a search on a console: as a live table in a terminal, else as lines.

    Args:
        console: where to.
        earlier: the trials of a search that is resumed, as `read_trials` returns them.
        clock: s since 1970.
    """
    state = from_rows(earlier)
    if console.is_interactive and not console.is_dumb_terminal:
        return LiveProgress(console, state, clock)
    return PlainProgress(console, state, clock)


class PlainProgress:
    """A sink that prints a line per score and per change of a trial's state.

    Where nothing happens for half a minute, it says where the search stands.
    """

    def __init__(self, console: Console, state: SearchState, clock: Clock) -> None:
        self._console = console
        self._state = state
        self._clock = clock
        self._printed = clock()
        self._lock = threading.Lock()
        self._ticker = Ticker(self.tick, 1.0)

    def handle(self, event: Event) -> None:
        if isinstance(event, SearchEnded):
            self._ticker.stop()
        with self._lock:
            now = self._clock()
            before, self._state = self._state, fold(self._state, event, now)
            if not is_repeated(event, before):
                self._print(plain_line(event, self._state, now), now)
        if isinstance(event, SearchStarted):
            self._ticker.start()

    def tick(self) -> None:
        """Say where the search stands, if the last line is old."""
        with self._lock:
            now = self._clock()
            if now - self._printed >= LINE_SECONDS:
                self._print(f"{clock_time(now)}  {status_line(self._state, now)}", now)

    def _print(self, line: str | None, now: float) -> None:
        if line is not None:
            print_line(self._console, line)
            self._printed = now


class LiveProgress:
    """A sink that keeps one table up to date; failures, faults and damage stay above as lines."""

    def __init__(self, console: Console, state: SearchState, clock: Clock) -> None:
        self._console = console
        self._state = state
        self._clock = clock
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=REFRESHES_PER_SECOND,
            vertical_overflow="crop",
        )

    def handle(self, event: Event) -> None:
        now = self._clock()
        self._state = fold(self._state, event, now)
        match event:
            case SearchStarted():
                print_line(self._console, plain_line(event, self._state, now))
                self._live.start()
            case SearchEnded():
                self._live.stop()
            case (
                TrialEnded(state="failed")
                | TrialSilent()
                | TrialBroken()
                | TrialWentBack()
                | MachineStruckOff()
            ):
                print_line(self._console, plain_line(event, self._state, now))
            case _:
                pass  # the next refresh shows it

    def _draw(self) -> RenderableType:
        # Called by the refreshing thread too: the state is immutable, so one look at it is enough.
        state = self._state
        if state.search is None:  # rich draws once before anything has started
            return Text()
        width, height = self._console.size
        return live_table(state, self._clock(), width, height)


def print_line(console: Console, line: str | None) -> None:
    """Print a line as it is: not wrapped to the width of a pipe, no brackets taken for markup."""
    if line is not None:
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
