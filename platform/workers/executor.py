"""An executor carries out requests: one in this process, or the evaluation workers on Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from platform.workers.requests import PartT, Request, ResultT

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
    """One worker in this process, which does what it is asked for at once.

    On a GPU it is called from some threads, which live as long as the executor.
    """

    def __init__(self, worker: ScoringWorker) -> None:
        self._worker = worker
        at_once = worker.chunks_at_once
        self._threads = ThreadPoolExecutor(at_once) if at_once > 1 else None

    def submit(
        self, request: Request[Any, ResultT], progress: Progress | None = None
    ) -> Finished[ResultT]:
        start = time.monotonic()
        chunks = self._worker.chunks(request)
        total, parts = sum(map(len, chunks)), []
        if progress:
            progress(0, total)
        for indices, part in zip(chunks, self._parts(request, chunks), strict=True):
            parts.append(part)
            if progress:
                progress(indices.stop, total)
        return Finished(request.combine(parts, time.monotonic() - start))

    def _parts(self, request: Request[PartT, Any], chunks: Sequence[range]) -> Iterator[PartT]:
        """Yield the results in the order of the chunks."""
        run = partial(self._worker.run_chunk, request)
        return map(run, chunks) if self._threads is None else self._threads.map(run, chunks)
