"""What terms divide their sums by; counted over a whole step before the first of its losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of both halves of a term, by its name; they add up over parts and ranks."""

    by_term: Mapping[str, Tensor]  # (2,) int64 each

    def __getitem__(self, term: str) -> Tensor:
        return self.by_term[term]

    def __add__(self, other: Counts) -> Counts:
        assert self.by_term.keys() == other.by_term.keys(), "parts of one step"
        return Counts({term: count + other[term] for term, count in self.by_term.items()})

    def over_ranks(self, sum_over_ranks: Callable[[Tensor], Tensor]) -> Counts:
        """Return the sums over all ranks, which meet in one call of this function."""
        if not self.by_term:
            return self
        total = sum_over_ranks(torch.stack(list(self.by_term.values())))  # (n, 2)
        return Counts(dict(zip(self.by_term, total, strict=True)))
