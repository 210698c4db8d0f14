"""A search of the platform whose trials share the GPU with an evaluation worker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu.figures import Figures

SHORT = {"iterations": 40, "optimiser.warmup": 2, "scoring.scores": 2, "scoring.images": 48}
SHARES = ("--gpus", "0.25", "--scorers", "1", "--scorer-gpus", "0.2", "--cpus", "3")


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    with figures.within("search", 190), TemporaryDirectory() as folder:
        settings = [f"{key}={value}" for key, value in SHORT.items()]
        command = [sys.executable, "-m", "platform.search", "--name", "gpu", "--trials", "4"]
        command += ["--reports", folder, *(part for one in settings for part in ("--set", one))]
        command += SHARES if device.type == "cuda" else ()
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        summary = Path(folder, "gpu", "summary.md")
        figures.add(
            "search",
            status=done.returncode,
            seconds=time.monotonic() - began,
            summary=summary.read_text().splitlines()[2] if summary.exists() else done.stderr[-300:],
        )
