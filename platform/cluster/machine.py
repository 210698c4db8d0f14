"""What this machine has, for commands that run on it without Ray or are about to start it."""

from __future__ import annotations

import os

import torch


def this_machine() -> dict[str, float]:
    """Return the resources that Ray will find on this machine, without starting it."""
    return {"CPU": float(os.cpu_count() or 1), "GPU": float(torch.cuda.device_count())}


def device_for(gpus: float | None) -> str:
    """Return the device of a worker in this process.

    Args:
        gpus: that were asked for; None for one if there is one.

    Raises:
        ValueError: there is none.
    """
    available = torch.cuda.is_available()
    if gpus and not available:
        raise ValueError(f"--gpus {gpus:g}: this machine has no GPU; leave the option out")
    return "cuda" if available and gpus != 0 else "cpu"
