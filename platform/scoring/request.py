"""What an evaluation worker is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """Score the CAMs of one checkpoint on one split."""

    checkpoint: str  # path of a training checkpoint that every worker can read
    dataset: str
    split: str
    purpose: str  # what the masks are opened for, as the ledger shows it
    images: int | None = None  # only the first so many
    pictures: int = 0  # CAM pictures of the first so many images
