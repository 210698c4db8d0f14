"""Random numbers of one training sample, all from one generator."""

from __future__ import annotations

import torch

_BLOCK = 64  # drawn at once: a call costs more than the numbers, and a sample needs about 40


class SampleRandom:
    """Uniform random numbers from a seed, independent of every global random state."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._unused: list[float] = []

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number in [low, high)."""
        if not self._unused:
            self._unused = torch.rand(
                _BLOCK, generator=self._generator, dtype=torch.float64
            ).tolist()
        return low + (high - low) * self._unused.pop()

    def chance(self, probability: float) -> bool:
        """Return true with this probability."""
        return self.uniform() < probability

    def integer(self, high: int) -> int:
        """Return one of 0..high, both included."""
        return int(self.uniform(0, high + 1))

    def shuffled(self, count: int) -> list[int]:
        """Return 0..count-1 in random order."""
        keys = [self.uniform() for _ in range(count)]
        return sorted(range(count), key=keys.__getitem__)
