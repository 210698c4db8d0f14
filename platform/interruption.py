"""Ctrl-C as a request to stop in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asked_by_ctrl_c(announce: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C be asked for while the context is open; a second one breaks off.

    Args:
        announce: is called at the first one, to say what happens now.

    Yields:
        Whether there was one.
    """
    asked = False

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        announce()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
