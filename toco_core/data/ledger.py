"""The account of every segmentation mask that was opened, and for what."""

from __future__ import annotations

import json
from collections import Counter
from typing import NamedTuple


class MaskUse(NamedTuple):
    """A split, and the purpose its masks were opened for."""

    split: str
    purpose: str


class MaskLedger:
    """Counts of the masks opened, by split and purpose; ledgers of several processes add up."""

    def __init__(self) -> None:
        self.counts: Counter[MaskUse] = Counter()

    def record(self, split: str, purpose: str, masks: int) -> None:
        """Enter the opening of so many masks."""
        self.counts[MaskUse(split, purpose)] += masks

    def total(self, split: str | None = None) -> int:
        """Return how many masks of a split, or of all splits, were opened."""
        return sum(count for use, count in self.counts.items() if split in (None, use.split))

    def merge(self, other: MaskLedger) -> None:
        """Add the counts of another ledger to this one."""
        self.counts.update(other.counts)

    def to_json(self) -> str:
        """Return the counts as ``{split: {purpose: masks}}``, sorted."""
        nested: dict[str, dict[str, int]] = {}
        for use in sorted(self.counts):
            nested.setdefault(use.split, {})[use.purpose] = self.counts[use]
        return json.dumps(nested)

    @classmethod
    def from_json(cls, text: str) -> MaskLedger:
        """Return the ledger that `to_json` described."""
        ledger = cls()
        for split, purposes in json.loads(text).items():
            for purpose, masks in purposes.items():
                ledger.record(split, purpose, masks)
        return ledger

    def __repr__(self) -> str:
        return f"MaskLedger({self.to_json()})"
