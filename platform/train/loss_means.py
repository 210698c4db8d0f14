"""Losses between two events of progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping


class Means:
    """Means of the losses since they were last taken."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    @property
    def is_empty(self) -> bool:
        """Whether there was no step since the last event."""
        return not self._values

    def add(self, losses: Mapping[str, float]) -> None:
        """Add the losses of one step; their names may differ from step to step."""
        for name, value in losses.items():
            self._values[name].append(value)

    def take(self) -> dict[str, float]:
        """Return the mean of each loss, and start anew."""
        means = {name: sum(values) / len(values) for name, values in self._values.items()}
        self._values.clear()
        return means
