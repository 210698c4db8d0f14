"""Who carries out a request: this process, or the evaluation workers on Ray."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from platform.results.task_progress import task_progress
from platform.workers.requests import Answer, Request

if TYPE_CHECKING:
    from platform.workers.pool import PoolClient  # imports Ray, which this process may not need
    from platform.workers.worker import ScoringWorker

# Pieces that are asked for before the first of them is answered, for each worker: enough that none
# is idle behind a slow piece, few enough that a million images do not wait in the broker.
AHEAD = 4


class Crew(Protocol):
    """Carries out requests piece by piece."""

    def each(self, request: Request[Answer], pieces: Sequence[range]) -> Iterator[Answer]:
        """Yield what comes of each piece, in the order of the pieces."""
        ...


class LocalCrew:
    """One worker in this process."""

    def __init__(self, worker: ScoringWorker) -> None:
        self._worker = worker

    def each(self, request: Request[Answer], pieces: Sequence[range]) -> Iterator[Answer]:
        return (self._worker.work(request, indices) for indices in pieces)


class PoolCrew:
    """So many evaluation workers of a pool."""

    def __init__(self, client: PoolClient, workers: int) -> None:
        self._client, self._workers = client, workers

    def each(self, request: Request[Answer], pieces: Sequence[range]) -> Iterator[Answer]:
        from platform.cluster.remote import fetch

        pending: deque[Any] = deque()
        for indices in pieces:
            pending.append(self._client.work(request, indices))
            if len(pending) >= AHEAD * self._workers:
                yield fetch(pending.popleft())
        while pending:
            yield fetch(pending.popleft())


def carry_out(
    request: Request[Answer], pieces: Sequence[range], workers: Crew, console: Console, words: str
) -> list[Answer]:
    """Have all pieces of a request done, and show how far that is."""
    answers: list[Answer] = []
    with task_progress(console, words, sum(map(len, pieces))) as task:
        for piece, answer in zip(pieces, workers.each(request, pieces), strict=True):
            answers.append(answer)
            task.advance(len(piece))
    return answers
