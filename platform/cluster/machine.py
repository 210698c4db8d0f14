"""What this machine has, for commands that run on it without Ray or are about to start it."""

from __future__ import annotations

import os


def is_on_cluster(address: str | None) -> bool:
    """Return whether a command runs on a cluster that is up, not on this machine alone."""
    return bool(address or os.environ.get("RAY_ADDRESS"))


def this_machine(*, with_gpus: bool = True) -> dict[str, float]:
    """Return the resources that Ray will find on this machine, without starting it.

    Args:
        with_gpus: False where none are used: to count them takes seconds.
    """
    cpus = {"CPU": float(os.cpu_count() or 1)}
    if not with_gpus:
        return cpus
    import torch

    return cpus | {"GPU": float(torch.cuda.device_count())}


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
