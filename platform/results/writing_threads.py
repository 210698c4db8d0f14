"""TensorBoard writes in threads: what ends one, as a full disk does, is told once."""

from __future__ import annotations

import threading


def leave_errors_to_writers() -> None:
    """Keep Python from printing what ends a thread of TensorBoard's.

    The next call to its writer raises the same, in the thread that can act on it.
    """
    if threading.excepthook is not _told_by_writer:
        global _print
        _print, threading.excepthook = threading.excepthook, _told_by_writer


def _told_by_writer(ended: threading.ExceptHookArgs) -> None:
    if not type(ended.thread).__module__.startswith("tensorboard."):
        _print(ended)


_print = threading.excepthook
