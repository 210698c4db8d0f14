"""How much each parameter decides: Optuna's evaluators on what configurations are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
import sklearn  # noqa: F401  # Optuna's fANOVA grows its forests with it, and imports it late
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.trial import FrozenTrial, create_trial

from platform.report.searched import Searched
from platform.search.space.parameters import Value
from toco_core.settings.keys import get_value

LEAST_TRIALS = 8  # fewer say nothing of several parameters
RESAMPLES = 20
_TREES = 32  # of fANOVA: half of Optuna's default, for a report in seconds
_MOST_FANOVA = 250  # trials: its time grows with their square


@dataclass(frozen=True, kw_only=True)
class Importance:
    """Shares of what parameters explain, adding up to 1.

    Attributes:
        fanova: of the variance over the whole space.
        ped_anova: of what makes a configuration one of the best tenth.
        low, high: ends of the middle 90 % of `ped_anova` over resampled trials.
    """

    fanova: Mapping[str, float]
    ped_anova: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]

    @property
    def order(self) -> list[str]:
        """The parameters, the one that explains most first."""
        return sorted(self.fanova, key=lambda key: -self.fanova[key] - self.ped_anova[key])


def importance(searched: Searched) -> Importance | None:
    """Ask both evaluators; None with too few trials, or where nothing differs.

    They see every trial with a score, pruned ones too, with what its configuration is worth at the
    end of training by the model of learning curves: last scores at 20 % and at 100 % of a training
    cannot be compared.
    """
    trials = _trials(searched)
    differing, values = _differing(trials), {trial.value for trial in trials}
    if len(trials) < LEAST_TRIALS or not differing or len(values) < 2:
        return None
    spread = _resampled(trials, differing)
    fanova = FanovaImportanceEvaluator(n_trees=_TREES, seed=0)
    return Importance(
        fanova=_shares(trials[-_MOST_FANOVA:], differing, fanova),
        ped_anova=_shares(trials, differing, PedAnovaImportanceEvaluator()),
        low={key: float(np.quantile(one, 0.05)) for key, one in spread.items()},
        high={key: float(np.quantile(one, 0.95)) for key, one in spread.items()},
    )


def _trials(searched: Searched) -> list[FrozenTrial]:
    worth = searched.worth
    return [
        create_trial(
            value=worth[row.number].value,
            params=_filled(searched, row.params),
            distributions=searched.space.distributions,
        )
        for row in searched.trials
        if row.number in worth
    ]


def _filled(searched: Searched, params: Mapping[str, Value]) -> dict[str, Value]:
    """Give a trial every parameter; one whose condition does not hold has the recipe's value."""
    filled: dict[str, Value] = {}
    for one in searched.space.space.parameters:
        value = params.get(one.key, get_value(searched.recipe, one.key))
        inside = one.contains(value)
        filled[one.key] = value if inside else one.ends()[0]
    return filled


def _differing(trials: Sequence[FrozenTrial]) -> list[str]:
    keys = trials[0].params if trials else {}
    return [key for key in keys if len({trial.params[key] for trial in trials}) > 1]


def _shares(
    trials: Sequence[FrozenTrial], keys: list[str], evaluator: BaseImportanceEvaluator
) -> dict[str, float]:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    found = get_param_importances(study, evaluator=evaluator, params=keys)
    return {key: float(found.get(key, 0.0)) for key in keys}


def _resampled(trials: Sequence[FrozenTrial], keys: list[str]) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {key: [] for key in keys}
    for _ in range(RESAMPLES):
        drawn = [trials[place] for place in rng.integers(len(trials), size=len(trials))]
        for key, share in _shares(drawn, keys, PedAnovaImportanceEvaluator()).items():
            found[key].append(share)
    return found
