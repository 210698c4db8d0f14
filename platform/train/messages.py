"""Messages between the main rank of a run and the process that waits for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ray.util.queue import Queue

from platform.train.lead import Emit, StopRequested

DRAIN_SECONDS = 0.5
STOP_SECONDS = 1.0


class Channel:
    """Events one way, and the request to stop the other; the workers' end can be pickled."""

    def __init__(self) -> None:
        self._events = Queue(actor_options={"num_cpus": 0})
        self._stops = Queue(actor_options={"num_cpus": 0})
        self._is_stopping = False

    @property
    def emit(self) -> Emit:
        """For the main rank: hand an event on."""
        return self._events.put

    @property
    def stop_requested(self) -> StopRequested:
        """For the main rank: look whether it shall stop."""
        return _StopSignal(self._stops)

    def relay(self, fit: Callable[[], Any], emit: Emit, stop_requested: StopRequested) -> None:
        """Run `fit` in another thread, and in this one emit its events and hand on the stop.

        Raises:
            BaseException: what `fit` raises, after its last event.
        """
        call = _BackgroundCall(fit)
        while True:
            over = call.is_over  # asked before the queue: the last event could come between the two
            self._hand_on(stop_requested)
            try:
                while True:
                    emit(self._events.get(block=not over, timeout=DRAIN_SECONDS))
                    self._hand_on(stop_requested)
            except queue.Empty:
                if over:
                    break
        call.result()

    def _hand_on(self, stop_requested: StopRequested) -> None:
        if not self._is_stopping and stop_requested():
            self._stops.put(None)
            self._is_stopping = True

    def close(self) -> None:
        """End the queues; what is in them is lost."""
        self._events.shutdown()
        self._stops.shutdown()


class _StopSignal:
    """The main rank's look at the request: a second apart, because it asks another process."""

    def __init__(self, stops: Queue) -> None:
        self._stops = stops
        self._next_look = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + STOP_SECONDS
        return not self._stops.empty()


class _BackgroundCall:
    """A call in a daemon thread: a trial that Tune stops must not wait for it at its exit."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error
