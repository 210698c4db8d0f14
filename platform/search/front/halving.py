"""Successive halving under several objectives: what may be on the front goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from optuna import Study, pruners
from optuna.trial import FrozenTrial

from platform.search.front.weighting import Array, Weighting, on_front
from platform.search.scores import scores_of

_WEIGHTINGS = 64  # drawn, beside each objective alone; a rung has a few dozen trials


class FrontHalving(pruners.BasePruner):
    """Stops a trial that successive halving would stop under every weighting of the objectives.

    So it goes on if it is in the better half of its rung by one objective, or by any mixture of
    them; and one that no other trial of the rung is better than always goes on: there are weights
    under which it is the best. With one objective, that is halving itself.

    Args:
        rungs: iterations, rising.
        jury: a rung judges from so many trials on.
    """

    def __init__(self, rungs: Sequence[int], jury: int) -> None:
        self._rungs, self._jury = rungs, jury

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether a trial stops at its last score."""
        rung = self._just_reached(trial)
        if rung is None:
            return False
        others = (t for t in study.get_trials(deepcopy=False) if t.number != trial.number)
        there = [at for one in (trial, *others) if (at := _scores_at(one, rung)) is not None]
        return len(there) >= self._jury and not _goes_on(np.array(there))

    def _just_reached(self, trial: FrozenTrial) -> int | None:
        """Return the highest rung that the last score is the first one on."""
        *_, before, last = (0, 0, *scores_of(trial))
        reached = [rung for rung in self._rungs if before < rung <= last]
        return max(reached, default=None)


def _scores_at(trial: FrozenTrial, rung: int) -> tuple[float, ...] | None:
    return next((scores for step, scores in scores_of(trial).items() if step >= rung), None)


def _goes_on(there: Array) -> bool:
    """Whether the first of the trials on a rung, (N, K), goes on."""
    if on_front(there)[0]:
        return True
    last_of_half = max(len(there) // 2, 1)  # as Optuna counts
    for weights in _weightings(there.shape[1]):
        values = Weighting.of(there, weights)(there)
        if values[0] >= np.sort(values)[-last_of_half]:
            return True
    return False


def _weightings(objectives: int) -> Iterator[Array]:
    yield from np.eye(objectives)
    yield from np.random.default_rng(0).dirichlet(np.ones(objectives), _WEIGHTINGS)
