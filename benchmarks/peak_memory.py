"""The peak memory of a piece of work in this process; Linux only."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path


def peak_above_idle(action: Callable[[], object]) -> float:
    """Run it twice, and return the most memory that it took above what was in use before, MB."""
    ctypes.CDLL(None).malloc_trim(0)  # what earlier work has freed is nobody's any more
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    for _ in range(2):
        action()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    """Return a figure of this process, kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
