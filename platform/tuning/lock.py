"""One process at a time works on a search or a run: two would write the same checkpoints."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = ".lock"


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the search or run of a directory; the system lets go when the process ends, or dies.

    Raises:
        ValueError: another process on this machine holds it.
    """
    with (directory / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another process is working in {directory}: wait for it, or choose another --name"
            ) from None
        yield
