"""The losses of every step of a run, to the bit, so that two runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from toco_core.files import replacing

LOSSES_FILE = "losses.jsonl"  # in the directory of a run

Losses = Mapping[str, float]


class LossLog:
    """Appends a line for each step.

    Args:
        path: of the file.
        iteration: steps done so far; lines of later ones, which are done again, are dropped.
    """

    def __init__(self, path: Path, iteration: int) -> None:
        known = read_losses(path)
        with replacing(path) as new:
            new.write_text("".join(_line(i, known[i]) for i in known if i <= iteration), "utf-8")
        self._file = path.open("a", encoding="utf-8")

    def add(self, iteration: int, losses: Losses) -> None:
        """Write the losses after so many steps; a float is written so that it is read as it was."""
        self._file.write(_line(iteration, losses))

    def flush(self) -> None:
        """Let others see what has been added."""
        self._file.flush()


def _line(iteration: int, losses: Losses) -> str:
    return json.dumps({"iteration": iteration, "losses": dict(losses)}) + "\n"


class Difference(NamedTuple):
    """Where two runs part."""

    iteration: int
    losses: dict[str, tuple[float | None, float | None]]  # those that differ, before and now

    def __str__(self) -> str:
        pairs = (f"{name} {before} -> {now}" for name, (before, now) in self.losses.items())
        return f"the losses part at iteration {self.iteration}: {', '.join(pairs)}"


def read_losses(path: Path) -> dict[int, Losses]:
    """Read the losses by iteration; a line that a crash has torn is left out."""
    if not path.is_file():
        return {}
    found: dict[int, Losses] = {}
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[row["iteration"]] = row["losses"]
    return found


def first_difference(before: Mapping[int, Losses], now: Mapping[int, Losses]) -> Difference | None:
    """Find the first iteration of both runs whose losses are not the same to the bit."""
    for iteration in sorted(before.keys() & now.keys()):
        old, new = before[iteration], now[iteration]
        differing = {
            name: (old.get(name), new.get(name))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        }
        if differing:
            return Difference(iteration, differing)
    return None
