"""The evaluation worker as an actor of Ray."""

from __future__ import annotations

from platform.scoring.answer import Scored
from platform.scoring.request import ScoreRequest


class EvaluationWorker:
    """A `ScoringWorker` in a process of its own; torch is imported there, not by who starts it."""

    def __init__(self, device: str) -> None:
        from platform.scoring.worker import ScoringWorker

        self._worker = ScoringWorker(device)

    def score(self, request: ScoreRequest, indices: range) -> Scored:
        return self._worker.score(request, indices)
