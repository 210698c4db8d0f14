"""What a trial and the driver of its search agree on: assignments, keys of results, files.

Imports nothing heavy, because both sides import it when they start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from platform.results.parameters import ParameterValue

EVENT = "event"  # one of platform.results.events
ITERATION = "iteration"
SCORE = "score"
FAILED = "failed"  # in place of a score: why the trial cannot go on, so that Tune does not retry it


@dataclass(frozen=True)
class Assignment:
    """One configuration to train: the trial's number in the study, and its parameters.

    Attributes:
        scored: Iterations whose scores the study has from an earlier session.
        repeat: How many earlier trials have the same parameters: this one gets another seed.
    """

    number: int
    params: dict[str, ParameterValue]
    scored: tuple[int, ...] = ()
    repeat: int = 0


def trial_directory(trials: Path, number: int) -> Path:
    """Return where a trial keeps its checkpoints."""
    return trials / f"trial-{number:04d}"
