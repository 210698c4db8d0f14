"""Two ways to have a checkpoint scored: in this process, or by the evaluation workers."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from platform.workers.requests import ScoreRequest
from platform.workers.results import ScoredCheckpoint
from toco_core.scoring.cam_score import chunks

if TYPE_CHECKING:
    from platform.workers.pool import PoolClient  # imports Ray, which this process may not need
    from platform.workers.worker import ScoringWorker


class Scorer(Protocol):
    """Takes requests, and gives the answers back in the order of the requests."""

    def submit(self, request: ScoreRequest) -> None:
        """Ask for a score."""
        ...

    def ready(self) -> list[ScoredCheckpoint]:
        """Return the answers that are there, without waiting."""
        ...

    def wait(self) -> list[ScoredCheckpoint]:
        """Wait for all answers and return those that `ready` has not returned."""
        ...


class PoolScorer:
    """Asks the evaluation workers; training goes on meanwhile."""

    def __init__(self, client: PoolClient) -> None:
        self._client = client
        self._pending: deque[Any] = deque()

    def submit(self, request: ScoreRequest) -> None:
        self._pending.append(self._client.submit(request))

    def ready(self) -> list[ScoredCheckpoint]:
        import ray

        from platform.cluster.remote import fetch

        answers: list[ScoredCheckpoint] = []
        # Only from the front: a pruner that saw the second score first would pass over a rung.
        while self._pending and ray.wait([self._pending[0]], timeout=0)[0]:
            answers.append(fetch(self._pending.popleft()))
        return answers

    def wait(self) -> list[ScoredCheckpoint]:
        from platform.cluster.remote import fetch

        answers: list[ScoredCheckpoint] = [fetch(reference) for reference in self._pending]
        self._pending.clear()
        return answers


class LocalScorer:
    """Scores in this process, at once."""

    def __init__(self, worker: ScoringWorker) -> None:
        self._worker = worker
        self._answers: list[ScoredCheckpoint] = []

    def submit(self, request: ScoreRequest) -> None:
        self._answers.append(self.score(request))

    def score(self, request: ScoreRequest) -> ScoredCheckpoint:
        """Score a checkpoint now."""
        start = time.monotonic()
        pieces = chunks(self._worker.count(request))
        parts = [self._worker.work(request, indices) for indices in pieces]
        return ScoredCheckpoint.of(request, parts, time.monotonic() - start)

    def ready(self) -> list[ScoredCheckpoint]:
        answers, self._answers = self._answers, []
        return answers

    wait = ready
