"""The evaluation worker as an actor of Ray."""

from __future__ import annotations

from typing import Any

from platform.cluster.whereabouts import telling_where
from platform.workers.requests import PartT, Request


class EvaluationWorker:
    """A `ScoringWorker` in a process of its own; torch is imported there, not by who starts it."""

    def __init__(self, device: str) -> None:
        from platform.workers.worker import ScoringWorker

        self._worker = ScoringWorker(device)

    def run_chunk(self, request: Request[PartT, Any], indices: range) -> PartT:
        with telling_where():
            return self._worker.run_chunk(request, indices)
