"""Calls a function now and then, whatever the rest of the process does."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Ticker:
    """A thread that calls a function every so many seconds, from `start` to `stop`.

    Args:
        tick: is called in the thread.
        seconds: between two calls.
    """

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick, self._seconds = tick, seconds
        self._over = threading.Event()
        # A daemon: whoever breaks off does not wait for it.
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a call that is under way; nothing if it was never started."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._tick()
