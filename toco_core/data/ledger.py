"""The account of every segmentation mask that was opened, and for what."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class MaskUse(NamedTuple):
    """A split, and the purpose its masks were opened for."""

    split: str
    purpose: str


class MaskLedger:
    """Counts of the masks opened, by split and purpose."""

    def __init__(self) -> None:
        self.counts: Counter[MaskUse] = Counter()

    def record(self, split: str, purpose: str, masks: int) -> None:
        """Enter the opening of so many masks."""
        self.counts[MaskUse(split, purpose)] += masks

    def total(self, split: str | None = None) -> int:
        """Return how many masks of a split, or of all splits, were opened."""
        return sum(count for use, count in self.counts.items() if split in (None, use.split))

    def __repr__(self) -> str:
        return f"MaskLedger({dict(self.counts)})"
