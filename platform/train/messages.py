"""Messages between the main rank of a run and the process that waits for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ray.util.queue import Queue

from platform.train.lead import Emit
from platform.train.stops import Notice, StopRequested, no_notice

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
    def stops(self) -> Stops:
        """For the ranks: what the main one is told of its end."""
        return Stops(self._stops)

    def relay(
        self,
        fit: Callable[[], Any],
        emit: Emit,
        stop_requested: StopRequested,
        notice: Notice = no_notice,
    ) -> None:
        """Run `fit` in another thread, and in this one emit its events and hand on the stop.

        Raises:
            BaseException: what `fit` raises, after its last event.
        """
        call = _BackgroundCall(fit)
        while True:
            over = call.is_over  # asked before the queue: the last event could come between the two
            self._hand_on(stop_requested, notice)
            try:
                while True:
                    emit(self._events.get(block=not over, timeout=DRAIN_SECONDS))
                    self._hand_on(stop_requested, notice)
            except queue.Empty:
                if over:
                    break
        call.result()

    def _hand_on(self, stop_requested: StopRequested, notice: Notice) -> None:
        if not self._is_stopping and (notice() or stop_requested()):
            self._stops.put(notice())
            self._is_stopping = True

    def close(self) -> None:
        """End the queues; what is in them is lost."""
        self._events.shutdown()
        self._stops.shutdown()


class Stops:
    """What the main rank is told of its end, by its driver and by the other ranks.

    It looks a second apart, because it asks another process.
    """

    def __init__(self, stops: Queue) -> None:
        self._stops = stops
        self._next_look = 0.0
        self._is_asked, self._why = False, ""

    def tell(self, why: str) -> None:
        """For another rank: have the main one save, since this rank's process is to end."""
        self._stops.put(why)

    def requested(self) -> bool:
        """For the main rank: whether it was asked to stop."""
        self._look()
        return self._is_asked

    def notice(self) -> str:
        """For the main rank: why another process of its group is to end soon."""
        self._look()
        return self._why

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + STOP_SECONDS
        while not self._stops.empty():
            word = self._stops.get()
            self._is_asked, self._why = self._is_asked or not word, self._why or word


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
