"""Word that this process of Ray is to end soon: SIGTERM, a machine that is drained, or a stop.

Who trains here reads it after each step, and saves. SIGTERM is what ends the processes of a machine
that is switched off; to drain a machine is how autoscalers and `ray drain-node` announce its end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from platform.cluster.ray_internals import draining_nodes
from platform.cluster.remote import this_node

SIGTERM = "its process was told to end (SIGTERM)"
DRAINED = "its machine is drained"
LOOK_SECONDS = 2.0  # between two looks at the machine's state: each asks the head


class EndNotice:
    """What this process knows of its end; there is one in a process, as there is one handler."""

    def __init__(self) -> None:
        self._why = ""
        self._told = threading.Event()
        self._runs = 0

    def listen_to_sigterm(self) -> None:
        """Take SIGTERM for word of the end while there is a run.

        Without a run, or once more, it ends the process as before; and so it does where this is
        not the main thread, which alone may ask for it.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        before: Any = signal.getsignal(signal.SIGTERM)

        def handle(number: int, frame: object) -> None:
            if self._runs and not self._told.is_set():
                self.tell(SIGTERM)
            elif callable(before):
                before(number, frame)

        signal.signal(signal.SIGTERM, handle)

    def tell(self, why: str) -> None:
        """Have the run of this process save and end."""
        if not self._told.is_set():
            self._why = why
            self._told.set()

    @contextmanager
    def heeded(self, hand_on: Callable[[str], None] | None = None) -> Iterator[Callable[[], str]]:
        """Let a run ask why this process is to end soon: empty while nothing says so.

        Args:
            hand_on: is called with the reason, once, in another thread.
        """
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over, hand_on), daemon=True)
        self._why = ""
        self._told.clear()
        self._runs += 1
        watch.start()
        try:
            yield lambda: self._why
        finally:
            self._runs -= 1
            over.set()

    def _watch(self, over: threading.Event, hand_on: Callable[[str], None] | None) -> None:
        here = this_node()
        while not over.is_set():
            if self._told.wait(LOOK_SECONDS):
                if hand_on is not None:
                    hand_on(self._why)
                return
            if here in draining_nodes():
                self.tell(DRAINED)


END_NOTICE = EndNotice()
