"""The memory of a machine, as whoever ends processes for it counts: Ray's monitor, or the kernel.

Ray reads the limit of a container. It does not read that of a group further down, such as a Slurm
job's, at which the kernel ends processes all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platform.cluster.ray_internals import memory_of_ray

_GROUPS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_THRESHOLD, _DEFAULT_THRESHOLD = "RAY_memory_usage_threshold", 0.95


@dataclass(frozen=True, kw_only=True)
class HostMemory:
    """The memory of a machine, or of the container or job that it is to us.

    Attributes:
        total: bytes.
        used: bytes, without what the kernel gives back when asked, such as cached files.
        threshold: of the total, from which on Ray ends processes.
    """

    total: float
    used: float
    threshold: float = _DEFAULT_THRESHOLD

    @property
    def most(self) -> float:
        """Bytes that may be in use."""
        return self.total * self.threshold


def this_memory() -> HostMemory:
    """Return the memory of this machine: of all limits that it is under, the nearest one."""
    own = _OWN_GROUPS.read_text() if _OWN_GROUPS.exists() else ""
    amounts = [memory_of_ray(), *group_limits(_GROUPS, own)]
    total, used = min(amounts, key=lambda one: one[0] - one[1])
    return HostMemory(
        total=total, used=used, threshold=float(os.environ.get(_THRESHOLD, _DEFAULT_THRESHOLD))
    )


def group_limits(root: Path, own: str) -> Iterator[tuple[float, float]]:
    """Yield limit and use, bytes, of each control group that limits the memory of a process.

    Args:
        root: where the groups are mounted.
        own: content of the process's `/proc/PID/cgroup`.
    """
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            files, top = ("memory.max", "memory.current", ""), root
        elif "memory" in controllers.split(","):  # version 1 of such groups
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
            top = root / "memory"
        else:
            continue
        group = top / path.lstrip("/")
        for directory in (group, *group.parents):
            if directory == top:
                break
            yield from _limit(directory, *files)


def _limit(directory: Path, limit: str, usage: str, prefix: str) -> Iterator[tuple[float, float]]:
    try:
        most = (directory / limit).read_text().strip()
        used = float((directory / usage).read_text())
        lines = (directory / "memory.stat").read_text().splitlines()
    except OSError:  # a group of the machine's, which a container does not see
        return
    counts = dict(line.split(maxsplit=1) for line in lines)
    files = sum(float(counts[f"{prefix}{kind}_file"]) for kind in ("active", "inactive"))
    if most != "max":
        yield float(most), used - files
