"""When a session is over before its trials are: hours, GPU-hours, Ctrl-C, a fault of all trials."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ray.tune import Stopper

from platform.cluster.placement import Placement
from platform.search.faults import Faults


class Budget(Stopper):
    """Stops the whole search when its time is spent; unfinished trials wait for the next session.

    Args:
        hours: of this session, or None.
        gpu_hours: of training, or None.
        gpu_seconds: returns the GPU-seconds that all sessions have trained for.
        faults: of this session; one that would break every trial ends it.
        clock: s, monotonic.
    """

    def __init__(
        self,
        *,
        hours: float | None,
        gpu_hours: float | None,
        gpu_seconds: Callable[[], float],
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults = faults or Faults()
        self._hours, self._gpu_hours = hours, gpu_hours
        self._gpu_seconds, self._clock = gpu_seconds, clock
        self._start = clock()
        self.interrupted = False

    def interrupt(self) -> None:
        """End the session as if its time was spent."""
        self.interrupted = True

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Leave single trials to the pruner."""
        return False

    def stop_all(self) -> bool:
        """Return whether the session is over."""
        is_broken = self.faults.cause is not None
        return self.interrupted or is_broken or self.spent() is not None

    def spent(self) -> str | None:
        """Return which budget is spent, as text; None while none is."""
        if self._hours is not None and self._clock() - self._start >= 3600 * self._hours:
            return f"{self._hours:g} hours"
        if self._gpu_hours is not None and self._gpu_seconds() >= 3600 * self._gpu_hours:
            return f"{self._gpu_hours:g} GPU-hours"
        return None


def worker_seconds(scores: Iterable[Mapping[str, Any]], placement: Placement) -> float:
    """Return how long training workers were at work, all of them together, s.

    Args:
        scores: rows of `curves.parquet`; older ones do not say how many workers there were.
        placement: has their number then.
    """
    usual = max(placement.workers_per_trial, 1)
    return sum(
        row["seconds_training"] * (usual if math.isnan(row["workers"]) else row["workers"])
        for row in scores
    )
