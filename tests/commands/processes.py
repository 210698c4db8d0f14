"""Runs our commands as a user does, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
# A run of seconds with random weights, on pictures of half the size.
SHORT = {
    "backbone.weights": "random",
    "data.crop_size": "32",
    "data.images_per_step": "2",
    "optimiser.warmup": "2",
    "stages.segmentation": "1",
    "ctc.local_crops": "2",
    "ctc.local_size": "16",
    "cam.scales": "[1.0, 0.5]",
    "cam.par_iterations": "2",
    "scoring.scores": "2",
    "iterations": "6",
}


def short_settings(**changes: str) -> tuple[str, ...]:
    """Return settings as `--set` takes them; keys are written with `__` for the dot."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return tuple(f"{key}={value}" for key, value in (SHORT | dotted).items())


def set_options(settings: tuple[str, ...]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def command(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", f"platform.{name}", *map(str, arguments)]


def attempt(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whichever it is."""
    return subprocess.run(
        command(name, *arguments),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,  # seconds are enough, unless the machine is busy with something else
        check=False,
    )
