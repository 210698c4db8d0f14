"""The scores of trials under one objective or several, as a study keeps them.

Optuna keeps one intermediate value of a trial at a step. Of several objectives that is the score of
the first one; the others stand in an attribute of the trial, which is written before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import optuna
from optuna.trial import FrozenTrial, TrialState

from platform.search.optuna_internals import keep_intermediate

_OTHERS = "other scores"  # the trial attribute: step -> scores of all objectives but the first
Scores: TypeAlias = tuple[float, ...]  # of each objective, in the order of the command line


def has_several(study: optuna.Study) -> bool:
    """Whether a study maximises several objectives."""
    return len(study.directions) > 1


def keep_scores(trial: optuna.Trial, scores: Sequence[float], step: int) -> None:
    """Write down the scores of a trial at a step."""
    first, *others = scores
    if not others:
        trial.report(first, step)
        return
    known = trial.user_attrs.get(_OTHERS, {})
    trial.set_user_attr(_OTHERS, {**known, str(step): others})
    keep_intermediate(trial, first, step)


def scores_of(trial: FrozenTrial) -> dict[int, Scores]:
    """Return the scores of a trial by step, in order."""
    others: Mapping[str, Sequence[float]] = trial.user_attrs.get(_OTHERS, {})
    steps = sorted(trial.intermediate_values)
    return {s: (trial.intermediate_values[s], *others.get(str(s), ())) for s in steps}


def value_of(trial: FrozenTrial, objective: int = 0) -> float | None:
    """Return what the study was told of an objective; of a pruned trial, its last score."""
    if trial.values:
        return trial.values[objective]
    is_pruned = trial.state is TrialState.PRUNED and trial.last_step is not None
    return scores_of(trial)[trial.last_step or 0][objective] if is_pruned else None
