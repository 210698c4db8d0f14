"""Any sampler of Optuna, made feasible and repeatable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import optuna
from optuna import samplers
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from platform.search.memory_limit import needs_as_much, too_large
from platform.search.optuna_internals import enqueued_params
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.parameters import Parameter, Value
from toco_core.settings import Recipe

# (space, seed of the study, seed of the trial) -> a fresh sampler
Build: TypeAlias = Callable[[CheckedSpace, int, int], samplers.BaseSampler]

_PROPOSALS = 8  # of the sampler itself; a GP proposes nearly the same each time, and takes 0.5 s
_RANDOM = 256  # random configurations from which the feasible one nearest to a proposal is taken


class TrialSampler(samplers.BaseSampler):
    """Any sampler of Optuna, with a random state of each trial's own and feasible, new proposals.

    The random state derives from the seed and the trial's number, so a search that was interrupted
    goes on as it would have; Optuna's samplers by themselves begin again with the numbers that
    they began with, and propose their first configurations a second time.

    A proposal that breaks a constraint, that was tried before, or that needs the memory which an
    earlier trial did not get, is drawn again before Optuna hears of it. It costs no trial, and
    nothing infeasible is ever in the study. A sampler that insists gets the feasible one of many
    random configurations that is nearest to its proposal, a new one if there is any: once all are
    known, a proposal is one more seed of its configuration.
    """

    def __init__(self, build: Build, space: CheckedSpace, seed: int) -> None:
        self._build = build
        self._space = space
        self._seed = seed
        self._number = -1
        self._inner: samplers.BaseSampler = samplers.RandomSampler(seed=seed)

    def _sampler_of(self, trial: FrozenTrial) -> samplers.BaseSampler:
        if trial.number != self._number:
            self._inner = self._build(
                self._space, self._seed, _trial_seed(self._seed, trial.number)
            )
            self._number = trial.number
        return self._inner

    def reseed_rng(self) -> None:
        """Do nothing: Optuna reseeds for threads that share a sampler, and none do here."""

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._sampler_of(trial).before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._sampler_of(trial).after_trial(study, trial, state, values)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the whole space: constraints are about parameters together."""
        return self._space.distributions

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Draw all parameters of a trial at once, feasible together."""
        fixed = enqueued_params(trial)
        proposal = self._feasible(study, trial, fixed)
        if trial.params.items() <= proposal.items():
            return proposal
        # drawn before a crash, when other trials had not finished yet
        return self._feasible(study, trial, {**fixed, **trial.params})

    def _feasible(
        self, study: optuna.Study, trial: FrozenTrial, given: Mapping[str, Value]
    ) -> Params:
        tried = _tried(study, trial)
        proposal: Params = {}
        limits = too_large(study, self._space)
        for _ in range(_PROPOSALS):
            last, proposal = proposal, self._propose(study, trial, given)
            is_new = proposal not in tried and self._space.is_feasible(proposal)
            if is_new and not self._outgrows(proposal, limits):
                return proposal
            if proposal == last:
                break  # it insists
        rng = np.random.default_rng([_trial_seed(self._seed, trial.number), 1])
        candidates = _feasible_ones(self._space, proposal, given, rng)
        fitting = [one for one in candidates if not self._outgrows(one, limits)] or candidates
        new = [one for one in fitting if one not in tried] or fitting
        return min(new, key=lambda one: self._space.distance(one, proposal))

    def _outgrows(self, proposal: Params, limits: Sequence[Recipe]) -> bool:
        return bool(limits) and any(
            needs_as_much(self._space.recipe_for(proposal), limit) for limit in limits
        )

    def _propose(
        self, study: optuna.Study, trial: FrozenTrial, given: Mapping[str, Value]
    ) -> Params:
        inner = self._sampler_of(trial)
        together = inner.sample_relative(
            study, trial, inner.infer_relative_search_space(study, trial)
        )

        def draw(parameter: Parameter) -> Value:
            if parameter.key in given:
                return given[parameter.key]
            if parameter.contains(together.get(parameter.key)):
                return parameter.snap(together[parameter.key])
            distribution = self._space.distributions[parameter.key]
            return parameter.snap(
                inner.sample_independent(study, trial, parameter.key, distribution)
            )

        return self._space.complete(draw)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw one parameter by itself, as the first trials of most samplers are."""
        inner = self._sampler_of(trial)
        return inner.sample_independent(study, trial, param_name, param_distribution)


def _trial_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _tried(study: optuna.Study, trial: FrozenTrial) -> list[Params]:
    """Return the configurations of the other trials."""
    others = study.get_trials(deepcopy=False)
    return [one.params for one in others if one.params and one.number != trial.number]


def _feasible_ones(
    space: CheckedSpace,
    proposal: Params,
    given: Mapping[str, Value],
    rng: np.random.Generator,
) -> list[Params]:
    candidates = [proposal, *(space.random(rng, given) for _ in range(_RANDOM))]
    feasible = [one for one in candidates if space.is_feasible(one)]
    if not feasible:
        fixed = f" with {dict(given)}" if given else ""
        raise ValueError(f"{space.space.name}: no feasible configuration found{fixed}")
    return feasible
