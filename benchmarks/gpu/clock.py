"""Times a callable on a device, and the rates that the device is capable of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_calls(
    call: Callable[[], object],
    device: torch.device,
    *,
    budget: float = 0.8,
    warmup: int = 3,
    most: int = 40,
) -> dict[str, float]:
    """Time calls one by one, and one after the other as in training.

    Args:
        call: what is timed.
        device: that it runs on.
        budget: seconds that the single calls may take together.
        warmup: calls before.
        most: calls at most.

    Returns:
        Medians in ms: `ms` until the device is done, `host_ms` until all is asked of it; `ms_each`
        back to back; peak memory in MiB.
    """
    for _ in range(warmup):
        call()
    synchronise(device)
    began = time.perf_counter()
    call()
    synchronise(device)
    once = time.perf_counter() - began
    repeats = max(2, min(most, int(budget / max(once, 1e-6))))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    walls, hosts = [], []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        hosts.append(time.perf_counter() - began)
        synchronise(device)
        walls.append(time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    synchronise(device)
    each = (time.perf_counter() - began) / repeats
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    return {
        "ms": 1e3 * statistics.median(walls),
        "ms_each": 1e3 * each,
        "host_ms": 1e3 * statistics.median(hosts),
        "MiB": peak,
        "calls": repeats,
    }


def product_rate(dtype: torch.dtype, device: torch.device, side: int = 8192) -> float:
    """Measure FLOP/s of a square matrix product on random data."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    took = time_calls(lambda: left @ right, device, budget=0.1, warmup=2, most=8)
    return 2 * side**3 / (took["ms_each"] / 1e3)


def copy_rate(device: torch.device, numbers: int = 1 << 28) -> float:
    """Measure bytes a second of a copy within the device, read and written."""
    source = torch.randn(numbers, device=device)
    target = torch.empty_like(source)
    took = time_calls(lambda: target.copy_(source), device, budget=0.1, warmup=2, most=8)
    return 8 * numbers / (took["ms_each"] / 1e3)
