"""The dispatcher takes requests from all trials, and shares their chunks among the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ray.exceptions import ActorUnavailableError, RayActorError

from platform.cluster.ray_internals import when_up
from platform.workers.requests import PartT, Request, ResultT
from toco_core.data.reader import open_dataset

# A worker that dies is restarted by Ray. A chunk on which so many die in a row is itself at fault.
MAX_ATTEMPTS = 4
# Its restart takes seconds, or as long as a cluster needs to find another machine for it.
RESTART_SECONDS = 900.0
_RESTART_POLL = 0.5  # s


class Dispatcher:
    """An asynchronous actor that holds the idle workers; who comes first is served first.

    Args:
        workers: actors.
        chunks_at_once: that each of them takes.
    """

    def __init__(self, workers: Sequence[Any], chunks_at_once: int = 1) -> None:
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        places = [*workers] * chunks_at_once  # each worker once before any of them twice
        for worker in places:
            self._idle.put_nowait(worker)
        self._alive = len(places)
        self._restarts: set[asyncio.Task[None]] = set()  # asyncio itself keeps no hold on a task
        self._progress: dict[str, tuple[int, int]] = {}  # of the requests that are watched

    async def run(self, request: Request[Any, ResultT], key: str | None = None) -> ResultT:
        """Carry out a request; the result does not depend on how many workers there are.

        Args:
            request: what is to be done.
            key: for `progress`, where somebody watches it.

        Raises:
            ValueError: the checkpoint or the data cannot be read.
            RuntimeError: the workers die on one and the same chunk again and again, or for good.
        """
        chunks = request.chunks(len(open_dataset(request.dataset).split(request.split)))
        if key is not None:
            self._progress[key] = 0, sum(map(len, chunks))
        clock = _Stopwatch()
        parts = await asyncio.gather(*(self._run(request, c, clock, key) for c in chunks))
        return request.combine(parts, clock.seconds)

    async def progress(self, key: str) -> tuple[int, int] | None:
        """Return how many images of a request are done, of how many; None before its start."""
        return self._progress.get(key)

    async def _run(
        self, request: Request[PartT, Any], indices: range, clock: _Stopwatch, key: str | None
    ) -> PartT:
        part = await self._run_chunk(request, indices, clock)
        if key is not None:
            done, total = self._progress[key]
            self._progress[key] = done + len(indices), total
        return part

    async def _run_chunk(
        self, request: Request[PartT, Any], indices: range, clock: _Stopwatch
    ) -> PartT:
        for _ in range(MAX_ATTEMPTS):
            worker = await self._take()
            clock.start()
            try:
                part: PartT = await worker.run_chunk.remote(request, indices)
            except RayActorError:
                self._await_restart(worker)
            except BaseException:
                self._idle.put_nowait(worker)
                raise
            else:
                self._idle.put_nowait(worker)
                return part
            finally:
                clock.stop()
        raise RuntimeError(
            f"evaluation workers died {MAX_ATTEMPTS} times on images {indices.start}-"
            f"{indices.stop - 1} of split {request.split}: too little memory? "
            f"(checkpoint {request.checkpoint})"
        )

    async def _take(self) -> Any:
        worker = await self._idle.get()
        if worker is None:
            self._idle.put_nowait(None)  # for all who wait, and all who come
            raise RuntimeError("no evaluation worker is left: see the log of Ray for their ends")
        return worker

    def _await_restart(self, worker: Any) -> None:
        """Count a worker as idle again once it responds, so that no chunk is lost on it before."""
        task = asyncio.get_running_loop().create_task(self._restarted(worker))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restarted(self, worker: Any) -> None:
        if await _responds(worker, RESTART_SECONDS):
            self._idle.put_nowait(worker)
            return
        self._alive -= 1
        if self._alive == 0:
            self._idle.put_nowait(None)


async def _responds(worker: Any, seconds: float) -> bool:
    """Wait for a worker that is being restarted; False if it does not come back."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while loop.time() < deadline:
        try:
            await when_up(worker)
            return True
        except ActorUnavailableError:
            await asyncio.sleep(_RESTART_POLL)
        except RayActorError:
            return False
    return False


class _Stopwatch:
    """Time from the first start to the last stop, s."""

    def __init__(self) -> None:
        self._first: float | None = None
        self.seconds = 0.0

    def start(self) -> None:
        if self._first is None:
            self._first = asyncio.get_running_loop().time()

    def stop(self) -> None:
        assert self._first is not None
        self.seconds = asyncio.get_running_loop().time() - self._first
