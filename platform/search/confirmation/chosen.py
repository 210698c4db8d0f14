"""Which configurations are confirmed, and on which seeds."""

from __future__ import annotations

from dataclasses import dataclass

import optuna

from platform.search.space.checked import CheckedSpace, Params
from platform.search.worth import best_complete, judge, ranked

# No search repeats a configuration so often, and each repeat takes the next seed.
_FRESH = 10_000
_SEEDS = 2**31 - 2 * _FRESH

RECIPE = "recipe"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One configuration: the recipe's own, as trial 0, or that of another trial of the search."""

    trial: int
    params: Params

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"trial {self.trial}" if self.trial else RECIPE


def fresh_seed(seed: int) -> int:
    """Return the first of the seeds that a search with this one has not trained with."""
    return (seed + _FRESH) % _SEEDS


def best_configurations(
    study: optuna.Study, space: CheckedSpace, count: int
) -> list[Configuration]:
    """Return the winner's configuration so far, then those that are worth most by all scores.

    The recipe is not among them, and one that was tried twice counts once, by its best trial.

    Raises:
        ValueError: no other configuration than the recipe has reached its end.
    """
    judgement = judge(study, space)
    winner = best_complete(judgement, study)
    known = [space.starting_points()[0]]
    chosen: list[Configuration] = []
    for trial in [*([winner] if winner else ()), *ranked(judgement, study)]:
        if trial.params not in known:
            known.append(trial.params)
            chosen.append(Configuration(trial=trial.number, params=trial.params))
    if not chosen:
        raise ValueError(
            "no configuration but the recipe has reached its end: there is nothing to confirm; "
            "let the search go on (--trials)"
        )
    return chosen[:count]
