"""Check a GPU: `python -m benchmarks.gpu` (correctness, steps, training), `--part 2` (the rest).

Each section runs in a process of its own with a limit of its own: one that fails or hangs does not
end the others. `figures.jsonl` holds a JSON object a line, `summary.txt` the table that is printed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from benchmarks.gpu.figures import read_figures
from benchmarks.gpu.summary import summarise

LIMITS = {  # seconds of each section, on a card like an H100
    "correctness": 140,
    "steps": 110,
    "profile": 50,
    "training": 110,
    "ranks": 60,
    "scoring": 90,
    "search": 200,
}
PARTS = {1: ("correctness", "steps", "profile", "training"), 2: ("ranks", "scoring", "search")}


@dataclass(frozen=True)
class Options:
    """Check whether the GPU path is right, and where its time goes."""

    out: Path = Path("gpu_figures")
    """folder that the figures are written to"""
    part: int = 1
    """1: correctness, steps, profile, training; 2: DDP on one rank, scoring, a search on Ray"""
    only: tuple[str, ...] = ()
    """these sections instead"""
    seconds: float = 420.0
    """of all sections together; what does not fit is left out"""
    device: str = "cuda"
    tiny: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """small sizes, to try the script on a CPU"""


def main() -> None:
    """Run the sections, then show their figures."""
    options = tyro.cli(Options, prog="python -m benchmarks.gpu", description=__doc__)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no GPU here; try the script with --device cpu --tiny")
    deadline = time.monotonic() + options.seconds
    for section in options.only or PARTS[options.part]:
        _run(section, options, deadline)
    text = summarise(read_figures(options.out))
    (options.out / "summary.txt").write_text(text)
    print(text)


def _run(section: str, options: Options, deadline: float) -> None:
    """Run a section in a process of its own."""
    limit = min(LIMITS[section] * (20 if options.tiny else 1), deadline - time.monotonic())
    if limit < 15:
        print(f"== {section} left out: no time", flush=True)
        return
    command = [sys.executable, "-m", "benchmarks.gpu.section", section, str(options.out)]
    command += [options.device, *(["tiny"] if options.tiny else [])]
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (options.out / f"{section}.log").open("w") as log:
        try:
            status = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, timeout=limit, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = "too long"
    print(f"== {section}: {status}, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
