"""The pool of evaluation workers, as the driver starts it and as a trial talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray

from platform.cluster.remote import fetch
from platform.workers.actor import EvaluationWorker
from platform.workers.dispatcher import Broker
from platform.workers.requests import Answer, Request, ScoreRequest
from platform.workers.results import ScoredCheckpoint


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """How many evaluation workers there are, and what each takes of the cluster."""

    workers: int = 2
    cpus: float = 0.1
    gpus: float = 0.0


class PoolClient:
    """A trial's way to the pool; can be sent to any process of the cluster."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def submit(self, request: ScoreRequest) -> ray.ObjectRef[ScoredCheckpoint]:
        """Ask for a score and return at once."""
        return self._broker.score.remote(request)

    def score(self, request: ScoreRequest) -> ScoredCheckpoint:
        """Ask for a score and wait for it."""
        return fetch(self.submit(request))

    def work(self, request: Request[Answer], indices: range) -> ray.ObjectRef[Answer]:
        """Ask for one piece of any request and return at once."""
        return self._broker.work.remote(request, indices)


class ScoringPool:
    """Owns the workers, which live outside the trials' placement groups until `stop`."""

    def __init__(self, options: PoolOptions) -> None:
        worker = ray.remote(EvaluationWorker).options(
            num_cpus=options.cpus, num_gpus=options.gpus, max_restarts=-1, max_task_retries=0
        )
        device = "cuda" if options.gpus > 0 else "cpu"
        self.workers: list[Any] = [worker.remote(device) for _ in range(options.workers)]
        # As many requests at once as trials may ever have in flight: they only wait for workers.
        broker = ray.remote(Broker).options(num_cpus=0, max_concurrency=1000)
        self._broker: Any = broker.remote(self.workers)

    @property
    def client(self) -> PoolClient:
        return PoolClient(self._broker)

    def stop(self) -> None:
        """End the workers at once; requests that are under way are lost."""
        for actor in (self._broker, *self.workers):
            ray.kill(actor)
