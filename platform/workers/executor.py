"""An executor carries out requests: one in this process, or the evaluation workers on Ray."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from platform.workers.requests import Request, ResultT

if TYPE_CHECKING:
    from platform.workers.worker import ScoringWorker  # imports torch

ResultT_co = TypeVar("ResultT_co", covariant=True)
Progress: TypeAlias = Callable[[int, int], None]  # images done, of how many


class Future(Protocol[ResultT_co]):
    """The result of a request, once it is there."""

    def done(self) -> bool:
        """Return whether `result` returns without waiting."""
        ...

    def result(self) -> ResultT_co:
        """Wait for the result and return it; raise what the request came to instead."""
        ...


class Executor(Protocol):
    """Carries out requests."""

    def submit(
        self, request: Request[Any, ResultT], progress: Progress | None = None
    ) -> Future[ResultT]:
        """Start a request.

        Args:
            request: what is to be done.
            progress: is told how far it is until the future's `result` has returned.
        """
        ...


class Finished(Generic[ResultT]):
    """The future of a request that was carried out when it was submitted."""

    def __init__(self, result: ResultT) -> None:
        self._result = result

    def done(self) -> bool:
        return True

    def result(self) -> ResultT:
        return self._result


class LocalExecutor:
    """One worker in this process, which does what it is asked for at once."""

    def __init__(self, worker: ScoringWorker) -> None:
        self._worker = worker

    def submit(
        self, request: Request[Any, ResultT], progress: Progress | None = None
    ) -> Finished[ResultT]:
        start = time.monotonic()
        chunks = self._worker.chunks(request)
        total, parts = sum(map(len, chunks)), []
        for indices in chunks:
            if progress:
                progress(indices.start, total)
            parts.append(self._worker.run_chunk(request, indices))
        if progress:
            progress(total, total)
        return Finished(request.combine(parts, time.monotonic() - start))
