"""Saves the first steps of a run for others that begin alike, with the scores up to there."""

from __future__ import annotations

from pathlib import Path

from platform.results.events import Scored
from platform.train.plan import RunPlan, score_points
from platform.train.prefix_store import PrefixStore
from toco_core.settings.effects import prefix_digest


class PrefixWriter:
    """Keeps checkpoints of a run where its plan says so and nobody else has, as its main rank goes.

    A checkpoint is shared once the run's scores up to it are there: others take them over.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: RunPlan) -> None:
        self._digests: dict[int, str] = {}  # by iteration
        self._scores: dict[int, Scored] = {}
        self._held: list[int] = []
        self._points = score_points(plan.recipe) if plan.split else ()
        if (sharing := plan.sharing) is not None:
            self._store = PrefixStore(Path(sharing.directory))
            self._digests = {
                iteration: prefix_digest(plan.recipe, iteration, sharing.conditions)
                for iteration in sharing.saved_at
            }

    def wants(self, iteration: int) -> bool:
        """Whether the checkpoint of an iteration is to be saved."""
        digest = self._digests.get(iteration)
        return digest is not None and not self._store.has(digest)

    def saved(self, checkpoint: Path, iteration: int) -> None:
        """Keep a checkpoint that is wanted."""
        self._store.hold(self._digests[iteration], checkpoint)
        self._held.append(iteration)
        self._publish()

    def scored(self, score: Scored) -> None:
        """Take note of a score."""
        self._scores[score.iteration] = score
        self._publish()

    def _publish(self) -> None:
        for iteration in list(self._held):
            due = [point for point in self._points if point <= iteration]
            if all(point in self._scores for point in due):
                scores = [self._scores[point] for point in due]
                self._store.publish(self._digests[iteration], scores)
                self._held.remove(iteration)
