"""The evaluation worker as an actor of Ray."""

from __future__ import annotations

from platform.workers.requests import Answer, Request


class EvaluationWorker:
    """A `ScoringWorker` in a process of its own; torch is imported there, not by who starts it."""

    def __init__(self, device: str) -> None:
        from platform.workers.worker import ScoringWorker

        self._worker = ScoringWorker(device)

    def work(self, request: Request[Answer], indices: range) -> Answer:
        return self._worker.work(request, indices)
