"""What the complete configurations of a search are worth, by all its scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from platform.search.curve.averaged import AveragedModel, fit_averaged
from platform.search.curve.model import can_fit
from platform.search.curve.rows import Observed
from platform.search.curve.threads import one_thread
from platform.search.observed import observe, one_objective
from platform.search.scores import value_of
from platform.search.space.checked import CheckedSpace
from platform.search.space.cube import Cube

Array: TypeAlias = NDArray[np.float64]

_FORGOTTEN = "forgotten"  # the study attribute that lists them
_PICK = "pick"  # the study attribute: which trial of the front somebody chose
NORMAL_95 = 1.96  # standard deviations on either side


@dataclass(frozen=True)
class Estimate:
    """A value and half its 95 % interval, in units of the scores; None where it is not known."""

    value: float
    half: float | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the complete trials of a search are worth.

    Attributes:
        worth: of the configuration of each complete trial at the end of training, without the luck
            of its seed and of its last score; the last score itself where there are too few trials
            for a model.
        lead: of each over the recipe (trial 0); empty where that is not complete, or no model is.
        luck: half the 95 % interval of one last score around its configuration's worth.
    """

    worth: Mapping[int, Estimate]
    lead: Mapping[int, Estimate] = field(default_factory=dict)
    luck: float | None = None


def complete_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that reached their end, in the order of their numbers."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def last_values(study: optuna.Study) -> dict[int, Sequence[float]]:
    """Return what the study was told of each complete trial, by each objective."""
    return {trial.number: trial.values for trial in complete_trials(study)}


def judge(study: optuna.Study, space: CheckedSpace, objective: int = 0) -> Judgement:
    """Judge the complete trials by the model of all trials' scores; the same for the same study."""
    return judge_complete(study, fit_trials(study, space, objective), objective)


def judge_complete(study: optuna.Study, fitted: Fitted | None, objective: int = 0) -> Judgement:
    """Judge likewise by a model that is fitted already; without one by the last scores."""
    complete = complete_trials(study)
    if fitted is None:
        last = {one.number: value_of(one, objective) or 0.0 for one in complete}
        return Judgement(worth={number: Estimate(score) for number, score in last.items()})
    numbers = {one.number for one in complete}
    return judge_by(fitted.model, [t for t in fitted.trials if t.number in numbers])


class Fitted(NamedTuple):
    """The model of a search, and the trials that it was fitted to."""

    model: AveragedModel
    trials: list[Observed]


def fit_trials(study: optuna.Study, space: CheckedSpace, objective: int = 0) -> Fitted | None:
    """Fit the model to all trials' scores; None where there are too few of them.

    Args:
        study: of the search.
        space: what it searches.
        objective: which one, where the study has several.
    """
    cube, all_trials = Cube(space), study.get_trials(deepcopy=False)
    combine = one_objective(objective)
    trials = observe(all_trials, cube, space.recipe.iterations, combine=combine)
    if not can_fit(trials):
        return None
    with one_thread():
        return Fitted(fit_averaged(trials, cube.groups), trials)


def judge_by(model: AveragedModel, complete: list[Observed]) -> Judgement:
    """Judge trials, in the order of their numbers, as if their configurations were complete."""
    if not complete:
        return Judgement(worth={}, luck=NORMAL_95 * model.noise)
    features, recipe = np.stack([trial.features for trial in complete]), complete[0]
    with one_thread():
        worth = _estimates(complete, *model.worth(features))
        lead: dict[int, Estimate] = {}
        if recipe.number == 0:
            lead = _estimates(complete, *model.lead_over_known(features, recipe))
            lead[0] = Estimate(0.0, 0.0)
    return Judgement(worth=worth, lead=lead, luck=NORMAL_95 * model.noise)


def _estimates(trials: list[Observed], values: Array, sds: Array) -> dict[int, Estimate]:
    numbers = [trial.number for trial in trials]
    both = zip(values.tolist(), (NORMAL_95 * sds).tolist(), strict=True)
    return {number: Estimate(*one) for number, one in zip(numbers, both, strict=True)}


def best_complete(judgement: Judgement, study: optuna.Study) -> FrozenTrial | None:
    """Return the winner: the first of `ranked` whose checkpoint was kept.

    Of several objectives it is the highest in the first one, which is therefore on the front,
    unless somebody has picked another.
    """
    out = forgotten(study)
    candidates = [trial for trial in ranked(judgement, study) if trial.number not in out]
    chosen = (trial for trial in candidates if is_picked(study, trial.number))
    return next(chosen, None) or next(iter(candidates), None)


def ranked(judgement: Judgement, study: optuna.Study) -> list[FrozenTrial]:
    """Return the complete trials, those worth most first.

    Of equals the highest last score comes first, then the earliest.
    """

    def rank(trial: FrozenTrial) -> tuple[float, float, int]:
        worth = judgement.worth[trial.number].value
        return -round(worth, 9), -(value_of(trial) or 0.0), trial.number

    return sorted(complete_trials(study), key=rank)


def is_picked(study: optuna.Study, number: int | None) -> bool:
    """Whether it is this trial of the front that somebody picked."""
    return number is not None and study.user_attrs.get(_PICK) == number


def record_pick(study: optuna.Study, number: int) -> None:
    """Write down which trial of the front is the winner."""
    study.set_user_attr(_PICK, number)


def forgotten(study: optuna.Study) -> frozenset[int]:
    """Return the complete trials that cannot win: their checkpoints were deleted."""
    return frozenset(study.user_attrs.get(_FORGOTTEN, ()))


def record_forgotten(study: optuna.Study, numbers: Iterable[int]) -> None:
    """Write down that the checkpoints of some complete trials are deleted."""
    study.set_user_attr(_FORGOTTEN, sorted(forgotten(study).union(numbers)))
