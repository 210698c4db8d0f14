"""A Ray whose own processes die under a command: said within seconds, where Ray waits for minutes.

Nothing that Ray is asked for then comes back, its own end included. So the command ends as one that
was killed, from which every one of ours goes on; but it says why.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

from platform.cluster.ray_internals import needed_processes

_LOOK_SECONDS = 1.0  # between two looks
_END_SECONDS = 10.0  # for what is to be closed: terminals, files on their way to an object store
_SIGNAL = signal.SIGUSR2  # of no other use; unlike an exception it wakes who waits for Ray
_FAILED = 1


@contextmanager
def ending_with_ray() -> Iterator[None]:
    """End this process, with exit status 1 and the reason, if its Ray is lost meanwhile.

    It must be the main thread that enters.
    """
    over = threading.Event()
    before = signal.signal(_SIGNAL, _exit)
    threading.Thread(target=_watch, args=(over,), name="watches Ray", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(_SIGNAL, before)


def _exit(_signal: int, _frame: object) -> Never:
    sys.exit(_FAILED)


def _watch(over: threading.Event) -> None:
    needed = needed_processes()
    while not over.wait(_LOOK_SECONDS):
        lost = next((what for what, has_ended in needed.items() if has_ended()), None)
        if lost is not None and not over.is_set():
            _end(lost)


def _end(lost: str) -> None:
    print(
        f"error: Ray has lost {lost}: killed, perhaps for want of memory, or crashed; "
        "nothing that was saved is lost, and the same command goes on from there",
        file=sys.stderr,
    )
    signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)
    time.sleep(_END_SECONDS)
    os._exit(_FAILED)  # Ray's own end waits for what is lost
