"""The options of an evaluation. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Score the CAMs of a checkpoint: mIoU, IoU of every class, F1, token similarity, pictures."""

    checkpoint: Annotated[Positional[Path], arg(metavar="CHECKPOINT")]
    """A training checkpoint, such as best.pt of a search or checkpoint.pt of a run."""
    split: str = "report"
    """The split to score on: report is the one that no search has looked at."""
    data: str | None = None
    """The Parquet dataset, a path or s3:// URI; by default that of the checkpoint's recipe."""
    bkg: float | None = None
    """Background threshold, 0..1; by default thresholds.bkg of the checkpoint's recipe. The best
    one of a search is in its best.pt; one chosen on the split itself flatters the score."""
    images: int | None = None
    """Score only the first so many images."""
    pictures: int = 8
    """Draw the CAMs of the first so many images."""
    scorers: int = 1
    """Evaluation workers. One is this process, several run on Ray; the score is the same."""
    cpus: float | None = None
    """CPUs of an evaluation worker on Ray; each computes in one thread."""
    gpus: float | None = None
    """GPUs of an evaluation worker; by default 1 where there are enough, else 0."""
    address: str | None = None
    """A running Ray cluster (host:port or auto); by default Ray starts on this machine."""
    output: Path | None = None
    """Where to put tables and pictures; by default evaluation-<split> beside the checkpoint."""
