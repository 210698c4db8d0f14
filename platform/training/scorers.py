"""Two ways to have a checkpoint scored: in this process, or by the evaluation workers."""

from __future__ import annotations

import time
from collections import deque
from platform.scoring.broker import ScoredCheckpoint
from platform.scoring.pool import PoolClient
from platform.scoring.request import ScoreRequest
from platform.scoring.worker import ScoringWorker
from typing import Any, Protocol

from toco_core.data.reader import open_dataset
from toco_core.scoring import chunks, summarise


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

        answers: list[ScoredCheckpoint] = []
        # Only from the front: a pruner that saw the second score first would pass over a rung.
        while self._pending and ray.wait([self._pending[0]], timeout=0)[0]:
            answers.append(ray.get(self._pending.popleft()))
        return answers

    def wait(self) -> list[ScoredCheckpoint]:
        import ray

        answers: list[ScoredCheckpoint] = ray.get(list(self._pending))
        self._pending.clear()
        return answers


class LocalScorer:
    """Scores in this process, at once."""

    def __init__(self, worker: ScoringWorker) -> None:
        self._worker = worker
        self._answers: list[ScoredCheckpoint] = []

    def submit(self, request: ScoreRequest) -> None:
        start = time.monotonic()
        split = open_dataset(request.dataset).split(request.split)
        count = min(request.images or len(split), len(split))
        parts = [self._worker.score(request, indices) for indices in chunks(count)]
        self._answers.append(
            ScoredCheckpoint(
                request=request,
                score=summarise(part.chunk for part in parts),
                pictures=[picture for part in parts for picture in part.pictures],
                seconds=time.monotonic() - start,
            )
        )

    def ready(self) -> list[ScoredCheckpoint]:
        answers, self._answers = self._answers, []
        return answers

    wait = ready
