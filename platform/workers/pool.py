"""The pool of evaluation workers, as the driver starts it, and the executor that it gives."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Generic, Self

import ray

from platform.cluster.placement import Placement
from platform.cluster.remote import fetch, machines_up, on_machine, this_node
from platform.workers.actor import EvaluationWorker
from platform.workers.dispatcher import Dispatcher
from platform.workers.executor import Progress
from platform.workers.options import chunks_at_once
from platform.workers.requests import Request, ResultT

_PROGRESS_SECONDS = 0.5  # between two looks at how far a request is


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """How many evaluation workers there are, and what each takes of the cluster."""

    workers: int = 2
    cpus: float = 0.1
    gpus: float = 0.0
    on_head: bool = False  # where it has room for them all; else spread over the machines

    @classmethod
    def of(cls, placement: Placement) -> Self:
        """Return what a placement has laid out."""
        scorer = placement.scorer
        return cls(
            workers=placement.scorers,
            cpus=scorer.get("CPU", 0.0),
            gpus=scorer.get("GPU", 0.0),
            on_head=placement.scorers_on_head,
        )


class PoolFuture(Generic[ResultT]):
    """The result of a request that the dispatcher has."""

    def __init__(self, reference: ray.ObjectRef[ResultT]) -> None:
        self._reference = reference

    def done(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait for so long at most; return whether the result is there."""
        return bool(ray.wait([self._reference], timeout=seconds)[0])

    def result(self) -> ResultT:
        return fetch(self._reference)


class WatchedFuture(PoolFuture[ResultT]):
    """A future that tells how far its request is while it waits."""

    def __init__(
        self, reference: ray.ObjectRef[ResultT], dispatcher: Any, key: str, progress: Progress
    ) -> None:
        super().__init__(reference)
        self._dispatcher, self._key, self._progress = dispatcher, key, progress

    def result(self) -> ResultT:
        over = False
        while not over:
            over = self.wait(_PROGRESS_SECONDS)
            progress = fetch(self._dispatcher.progress.remote(self._key))
            if progress is not None:
                self._progress(*progress)
        return super().result()


class PoolExecutor:
    """The evaluation workers' executor; can be sent to any process of the cluster."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher

    def submit(
        self, request: Request[Any, ResultT], progress: Progress | None = None
    ) -> PoolFuture[ResultT]:
        if progress is None:
            return PoolFuture(self._dispatcher.run.remote(request))
        key = uuid.uuid4().hex
        reference = self._dispatcher.run.remote(request, key)
        return WatchedFuture(reference, self._dispatcher, key, progress)


class EvaluationPool:
    """Owns the workers, which live outside the trials' placement groups until `stop`.

    The dispatcher is on the driver's own machine: no other can take it away. If its process dies,
    Ray starts another one and gives it the requests that were under way.
    """

    def __init__(self, options: PoolOptions) -> None:
        device = "cuda" if options.gpus > 0 else "cpu"
        at_once = chunks_at_once(device)
        worker = ray.remote(EvaluationWorker).options(
            num_cpus=options.cpus,
            num_gpus=options.gpus,
            max_restarts=-1,
            max_task_retries=0,
            max_concurrency=at_once,
            scheduling_strategy=_strategy(options),
        )
        self.workers: list[Any] = [worker.remote(device) for _ in range(options.workers)]
        # As many requests at once as trials may ever have in flight: they only wait for workers.
        dispatcher = ray.remote(Dispatcher).options(
            num_cpus=0,
            max_concurrency=1000,
            max_restarts=-1,
            max_task_retries=-1,
            scheduling_strategy=on_machine(this_node()),
        )
        self.dispatcher: Any = dispatcher.remote(self.workers, at_once)

    @property
    def executor(self) -> PoolExecutor:
        return PoolExecutor(self.dispatcher)

    def stop(self) -> None:
        """End the workers at once; requests that are under way are lost."""
        for actor in (self.dispatcher, *self.workers):
            ray.kill(actor)


def _strategy(options: PoolOptions) -> Any:
    head = machines_up()[0] if options.on_head else None
    return on_machine(head.id, if_possible=True) if head else "SPREAD"
