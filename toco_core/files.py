"""Files that are whole at any moment, whatever interrupts their writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file to write in place of `path`, which it becomes if nothing is raised.

    Whoever looks at `path` meanwhile sees the old file, or that there is none.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # same directory: same disk
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
