"""The broker: takes requests from all trials, and shares their pieces among the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ray.exceptions import ActorUnavailableError, RayActorError

from platform.workers.requests import Answer, Request, ScoreRequest
from platform.workers.results import ScoredCheckpoint
from toco_core.data.reader import open_dataset
from toco_core.scoring.cam_score import chunks

# A worker that dies is restarted by Ray. A chunk on which so many die in a row is itself at fault.
MAX_ATTEMPTS = 4
# Its restart takes seconds, or as long as a cluster needs to find another machine for it.
RESTART_SECONDS = 900.0
_RESTART_POLL = 0.5  # s


class Broker:
    """An asynchronous actor that holds the idle workers; who comes first is served first."""

    def __init__(self, workers: Sequence[Any]) -> None:
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        for worker in workers:
            self._idle.put_nowait(worker)
        self._alive = len(workers)
        self._restarts: set[asyncio.Task[None]] = set()  # asyncio itself keeps no hold on a task

    async def score(self, request: ScoreRequest) -> ScoredCheckpoint:
        """Score a checkpoint; the result does not depend on how many workers there are.

        Raises:
            ValueError: the checkpoint or the data cannot be read.
            RuntimeError: the workers die on one and the same chunk again and again, or for good.
        """
        images = open_dataset(request.dataset).split(request.split)
        count = min(request.images or len(images), len(images))
        clock = _Stopwatch()
        parts = await asyncio.gather(*(self._work(request, c, clock) for c in chunks(count)))
        return ScoredCheckpoint.of(request, parts, clock.seconds)

    async def work(self, request: Request[Answer], indices: range) -> Answer:
        """Have one piece of any request done; raises what `score` raises."""
        return await self._work(request, indices, _Stopwatch())

    async def _work(self, request: Request[Answer], indices: range, clock: _Stopwatch) -> Answer:
        for _ in range(MAX_ATTEMPTS):
            worker = await self._take()
            clock.start()
            try:
                answer: Answer = await worker.work.remote(request, indices)
            except RayActorError:
                self._await_restart(worker)
            except BaseException:
                self._idle.put_nowait(worker)
                raise
            else:
                self._idle.put_nowait(worker)
                return answer
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
        """Count a worker as idle again once it answers, so that no chunk is lost on it before."""
        task = asyncio.get_running_loop().create_task(self._restarted(worker))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restarted(self, worker: Any) -> None:
        if await _answers(worker, RESTART_SECONDS):
            self._idle.put_nowait(worker)
            return
        self._alive -= 1
        if self._alive == 0:
            self._idle.put_nowait(None)


async def _answers(worker: Any, seconds: float) -> bool:
    """Wait for a worker that is being restarted; False if it does not come back."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while loop.time() < deadline:
        try:
            await worker.__ray_ready__.remote()
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
