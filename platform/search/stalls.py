"""Trials that make no progress any more: shown first, then begun again. No Ray in here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Until a trial's first progress: processes start, weights are read, kernels are compiled.
START_MINUTES = 30.0
LEAST_MINUTES = 10.0
INTERVALS = 50  # of the trial's own between two events of progress
_SHOWN_AFTER = 60.0  # s; then again each time that it has doubled


@dataclass
class _Pace:
    """When a trial moved, s, and when its silence is shown next."""

    first: float
    last: float
    events: int = 0
    shown_at: float = _SHOWN_AFTER

    @property
    def interval(self) -> float:
        return (self.last - self.first) / max(self.events - 1, 1)


@dataclass(frozen=True)
class Silence:
    """A trial that has made no progress for so many seconds."""

    number: int
    seconds: float


class StallWatch:
    """Knows which trials train, and since when they have made no progress.

    Args:
        minutes: without progress, after which a trial is stalled; None to derive it from its pace.
        clock: s, monotonic.
    """

    def __init__(
        self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._minutes, self._clock = minutes, clock
        self._paces: dict[int, _Pace] = {}
        self._stalled: dict[int, float] = {}  # trials that are being ended, s without progress

    def started(self, number: int) -> None:
        """Watch a trial whose process has started."""
        now = self._clock()
        self._paces[number] = _Pace(now, now)

    def moved(self, number: int) -> None:
        """Note that a trial has made progress."""
        pace, now = self._paces.get(number), self._clock()
        if pace is not None:
            pace.first = pace.first if pace.events else now
            pace.last, pace.events, pace.shown_at = now, pace.events + 1, _SHOWN_AFTER

    def over(self, number: int) -> None:
        """Watch a trial no more: it has ended, or only waits for its last scores."""
        self._paces.pop(number, None)

    def silent(self) -> list[Silence]:
        """Return the trials whose silence is to be shown now."""
        shown: list[Silence] = []
        for number, pace in self._paces.items():
            seconds = self._clock() - pace.last
            # a start takes a minute on a busy machine, and so may a step
            if pace.events and seconds >= max(pace.shown_at, 3 * pace.interval):
                pace.shown_at = 2 * seconds
                shown.append(Silence(number, seconds))
        return shown

    def stalled(self) -> list[int]:
        """Return the trials to be ended now, each once."""
        now = self._clock()
        found = {n: now - p.last for n, p in self._paces.items() if now - p.last >= self._limit(p)}
        for number in found:
            self.over(number)
        self._stalled |= found
        return list(found)

    def take_stalled(self, number: int) -> float | None:
        """Return how long a trial that was ended had made no progress, s, once; else None."""
        return self._stalled.pop(number, None)

    def _limit(self, pace: _Pace) -> float:
        if self._minutes is not None:
            return 60 * self._minutes
        if pace.events < 2:
            return 60 * START_MINUTES
        return max(60 * LEAST_MINUTES, INTERVALS * pace.interval)
