"""What Ray's C++ writes on the terminal, past every logger, goes to a file instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STDERR = 2  # the file descriptor


@contextmanager
def native_stderr_to(log_file: Path) -> Iterator[None]:
    """Send what is written to file descriptor 2 to a file; Python's own `sys.stderr` stays.

    Ray's core worker lives in the driver's process, and prints stack traces there when a process
    of Ray is gone. None of its settings keeps them away: the handler of fatal signals heeds none.
    """
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, _STDERR)
    os.close(log)
    before = sys.stderr
    if _writes_to_stderr(before):
        sys.stderr = open(terminal, "w", buffering=1, closefd=False)  # noqa: SIM115 - closed below
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, _STDERR)
        os.close(terminal)
        sys.stderr = before


def _writes_to_stderr(stream: object) -> bool:
    """Whether a stream is the one of the descriptor, and not one that a test has put there."""
    fileno = getattr(stream, "fileno", None)
    try:
        return fileno is not None and fileno() == _STDERR
    except OSError:  # io.UnsupportedOperation: a stream without a descriptor
        return False
