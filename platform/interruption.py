"""Ctrl-C, SIGTERM and SIGHUP as requests to stop in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Of a terminal, of whoever ends a job or a machine, and of a terminal that was closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def all_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt for each signal to stop while the context is open.

    A signal that is ignored, as `nohup` does it, stays so.
    """

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def asked_to_stop(announce: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Let the first signal be asked for while the context is open; a second one breaks off.

    Args:
        announce: is called at the first one, to say what happens now.

    Yields:
        Whether there was one.
    """
    asked = False

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        asked = True
        _restore(before)
        announce()

    with _handled_by(ask) as before:
        yield lambda: asked


@contextmanager
def held_back(announce: Callable[[], None]) -> Iterator[None]:
    """Let what must not be broken off come to its end: the first signal interrupts after it.

    Args:
        announce: is called at once, to say that it was heard.

    Raises:
        KeyboardInterrupt: at the end of the context, if there was one; or at a second one.
    """
    with asked_to_stop(announce) as asked:
        yield
    if asked():
        raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[dict[signal.Signals, Any]]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, known in before.items():
        if known is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield before
    finally:  # also where somebody else has put a handler of its own in the place of ours
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # which stands for one that is not Python's
            signal.signal(number, handler)
