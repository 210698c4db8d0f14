"""What processes hold of the host's memory, as Linux counts it."""

from __future__ import annotations

import resource
from pathlib import Path

_KIB = 1024.0


def peak_of_this() -> float:
    """Return the most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def own_peak_of_this() -> float:
    """Return the same, pages of libraries and files left out."""
    return peak_of_this() - _kib(Path("/proc/self/status"), "RssFile") * _KIB


def own_bytes(process: int) -> float:
    """Return the bytes that a process has changed, and shares with none, such as its parent."""
    return _kib(Path(f"/proc/{process}/smaps_rollup"), "Private_Dirty") * _KIB


def _kib(file: Path, name: str) -> float:
    lines = file.read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
