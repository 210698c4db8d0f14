"""What this machine has, for commands that run on it without Ray or are about to start it."""

from __future__ import annotations

import os
from pathlib import Path

from platform.cluster.gpu_kinds import kind_resource


def is_on_cluster(address: str | None) -> bool:
    """Return whether a command runs on a cluster that is up, not on this machine alone."""
    return bool(address or os.environ.get("RAY_ADDRESS"))


def this_machine() -> dict[str, float]:
    """Return the resources that Ray will find on this machine, without starting it."""
    cpus = {"CPU": float(os.cpu_count() or 1)}
    if not _may_have_gpus():
        return cpus
    import torch  # takes seconds

    count = torch.cuda.device_count()
    if not count:
        return cpus
    return cpus | {"GPU": float(count), kind_resource(torch.cuda.get_device_name(0)): 1.0}


def _may_have_gpus() -> bool:
    """Whether a driver of NVIDIA's or AMD's is there, which takes no time to say."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


def device_for(gpus: float | None) -> str:
    """Return the device of a worker in this process.

    Args:
        gpus: that were asked for; None for one if there is one.

    Raises:
        ValueError: there is none.
    """
    import torch

    available = torch.cuda.is_available()
    if gpus and not available:
        raise ValueError(f"--gpus {gpus:g}: this machine has no GPU; leave the option out")
    return "cuda" if available and gpus != 0 else "cpu"
