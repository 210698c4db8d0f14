"""SMAC3's optimiser of hyper-parameters as it comes, as a sampler of Optuna."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna
from optuna import samplers
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from platform.search.optuna_internals import enqueued_params
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.parameters import Parameter

_TRAININGS = 24  # that SMAC is told it has: the budget of a search, and what is in work at its end


class SmacSampler(samplers.BaseSampler):
    """Asks SMAC3 for each trial, and tells it of each that is complete.

    Lindauer et al., SMAC3 (2022). Nothing is tuned: a random forest, log expected improvement, a
    Sobol sequence at first. A trial that the study begins with is told, not asked for.

    Args:
        space: what is searched; its conditions and constraints are not looked at.
        seed: of SMAC.
        repeats: whether a configuration is trained with up to three seeds, as SMAC does unless told
            that trainings are deterministic.

    Raises:
        ValueError: SMAC3 is not installed.
    """

    def __init__(self, space: CheckedSpace, seed: int, *, repeats: bool = True) -> None:
        try:
            smac = import_module("smac")
            self._handed = import_module("smac.runhistory.dataclasses")
            self._configurations = import_module("ConfigSpace")
        except ImportError as error:
            raise ValueError(
                f"the method smac needs SMAC3: pip install smac, which needs swig ({error})"
            ) from None
        self._space, self._place = space, TemporaryDirectory()
        self._ranges = self._configurations.ConfigurationSpace(seed=seed)
        self._ranges.add([self._range(one) for one in space.space.parameters])
        scenario = smac.Scenario(
            self._ranges,
            n_trials=_TRAININGS,
            seed=seed,
            deterministic=not repeats,
            output_directory=Path(self._place.name),
        )
        self._smac = smac.HyperparameterOptimizationFacade(
            scenario, _never_called, overwrite=True, logging_level=logging.ERROR
        )
        self._asked: dict[int, Any] = {}  # trial -> what SMAC handed out
        self._told: set[int] = set()

    def _range(self, one: Parameter) -> Any:
        """Return a parameter as ConfigSpace knows it."""
        if one.kind == "category":
            return self._configurations.Categorical(one.key, list(one.choices))
        if one.kind == "int":
            return self._configurations.Integer(one.key, (int(one.low), int(one.high)), log=one.log)
        return self._configurations.Float(one.key, (one.low, one.high), log=one.log)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._space.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Params:
        """Return what SMAC asks for, once it knows of all that is complete."""
        if enqueued_params(trial):
            return {}
        if self._asked:
            self._tell(study)
        asked = self._smac.ask()
        self._asked[trial.number] = asked
        return {one.key: one.snap(asked.config[one.key]) for one in self._space.space.parameters}

    def _tell(self, study: optuna.Study) -> None:
        for one in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if one.number not in self._told and one.value is not None:
                self._told.add(one.number)
                cost = self._handed.TrialValue(cost=-one.value)
                self._smac.tell(self._handed_out(one), cost)

    def _handed_out(self, trial: FrozenTrial) -> Any:
        """Return a trial as SMAC knows it; one that it was not asked for has its first seed."""
        if trial.number in self._asked:
            return self._asked[trial.number]
        first = next(iter(self._asked.values()))
        values = self._configurations.Configuration(self._ranges, values=trial.params)
        return self._handed.TrialInfo(config=values, seed=first.seed)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse: whatever is searched was asked for together."""
        raise ValueError(f"SMAC was not asked for {param_name}")

    def incumbent(self, study: optuna.Study) -> FrozenTrial | None:
        """Return a complete trial of the configuration that SMAC holds to be the best."""
        self._tell(study)
        best = self._smac.intensifier.get_incumbent()
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        same = (one for one in complete if best and self._handed_out(one).config == best)
        return next(same, None)


def _never_called(config: Any, seed: int = 0) -> float:
    raise NotImplementedError("SMAC is asked and told")


def smac_incumbent(study: optuna.Study, _: CheckedSpace) -> FrozenTrial | None:
    """Return the winner of a search by SMAC; None before there is one."""
    assert isinstance(study.sampler, SmacSampler)
    return study.sampler.incumbent(study)
