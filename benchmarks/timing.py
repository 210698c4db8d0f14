"""Times two ways of one thing in alternation, and says on what machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import platform


@dataclass(frozen=True)
class Times:
    """Seconds of repeated runs."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        low, _, high = statistics.quantiles(self.seconds, n=4)
        return f"{1e3 * self.median:9.2f} ms  (quartiles {1e3 * low:.2f} to {1e3 * high:.2f})"


def alternate(
    ways: Mapping[str, Callable[[], object]], repeats: int, warmup: int = 2
) -> dict[str, Times]:
    """Run each way in turn, so that whatever else the machine does hits all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(warmup + repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return {name: Times(values) for name, values in seconds.items()}


def ratios(ours: Times, literal: Times) -> str:
    """Word the ratio of two alternated ways: of the medians, and how single turns spread."""
    single = [a / b for a, b in zip(ours.seconds, literal.seconds, strict=True)]
    low, _, high = statistics.quantiles(single, n=4)
    return (
        f"{ours.median / literal.median:.3f}  (quartiles of single turns {low:.3f} to {high:.3f})"
    )


def machine() -> str:
    """Name the processor, its threads in use, and the version of PyTorch."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return f"{model}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}"
