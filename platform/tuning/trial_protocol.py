"""What a trial and the driver of its search agree on: the keys of reports, and a place for files.

Imports nothing heavy, because both sides import it when they start.
"""

from __future__ import annotations

from pathlib import Path

EVENT = "event"  # one of platform.results.events
ITERATION = "iteration"
SCORE = "score"
FAILED = "failed"  # in place of a score: why the trial cannot go on, so that Tune does not retry it


def trial_directory(trials: Path, number: int) -> Path:
    """Return where a trial keeps its checkpoints."""
    return trials / f"trial-{number:04d}"
