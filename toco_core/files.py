"""Files that are whole at any moment, whatever interrupts their writing; and if one still is."""

from __future__ import annotations

import errno
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What bytes that are no archive end in.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file to write in place of `path`, which it becomes if nothing is raised.

    Whoever looks at `path` meanwhile sees the old file, or that there is none.

    Raises:
        OSError: there is no room, or no permission; names `path`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # same directory: same disk
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.errno is None:  # no fault of the file system
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def archive_problem(path: Path) -> str | None:
    """Say what is wrong with a zip archive, such as `torch.save` writes; None where it is whole.

    The whole file is read, and compared with the checksums in it.

    Raises:
        OSError: the file cannot be read at all.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset in it leads out of it; else it cannot be read
            raise
        return str(error)
    except _DAMAGE as error:
        return str(error) or type(error).__name__
    return None if damaged is None else f"the checksum of {damaged} is wrong"


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that another can be written in its place; return its new name."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    return aside
