"""One process at a time works on a search, a run or a dataset: two would write the same files."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = ".lock"
_TRIES, _TRY_SECONDS = 4, 0.05  # `is_held` takes a lock for a moment, to see whether it can


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the search or run of a directory; the system lets go when the process ends, or dies.

    Raises:
        ValueError: another process on this machine holds it.
    """
    with (directory / LOCK_FILE).open("w") as file:
        if not _taken(file.fileno()):
            raise ValueError(
                f"another process is working in {directory}: wait for it, or choose another --name"
            )
        yield


def is_held(directory: Path) -> bool:
    """Return whether a process holds the search or run of a directory; one that looks does not."""
    path = directory / LOCK_FILE
    if not path.is_file():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def process_exists(pid: int) -> bool:
    """Return whether there is a process of that id on this machine, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; or no id at all, of which none knows
        return True
    return True


def _taken(handle: int) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TRY_SECONDS)
        else:
            return True
    return False


@contextmanager
def only_one_writer(directory: Path) -> Iterator[None]:
    """Hold a directory into which no file of ours belongs, where its file system can do that.

    Raises:
        ValueError: another process on this machine holds it.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ValueError(
            f"another process is writing {directory}: wait for it, or choose another place"
        ) from None
    except OSError:
        pass  # NFS locks files, but no directories
    try:
        yield
    finally:
        os.close(handle)
