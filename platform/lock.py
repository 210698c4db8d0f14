"""One process at a time works on a search, a run or a dataset: two would write the same files."""

from __future__ import annotations

import fcntl
import os
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
