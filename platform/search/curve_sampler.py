"""An Optuna sampler that proposes by the curve model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna import samplers
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from platform.search.curve.model import CurveModel, can_fit, fit_model
from platform.search.curve.posterior import Posterior
from platform.search.curve.proposal import propose
from platform.search.curve.rows import Observed
from platform.search.curve.threads import one_thread
from platform.search.earlier import EarlierSearch
from platform.search.front.weighting import Weighting
from platform.search.observed import FIRST, Combine, has_parameters, observe
from platform.search.scores import has_several, scores_of
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.cube import Cube

Array: TypeAlias = NDArray[np.float64]

STARTS = 5  # trials before the model proposes; known configurations are among them
RANDOM_SHARE = 0.1  # of the later proposals: no model is right everywhere
# Of the width of an axis. Nothing is learnt from a configuration next to one that is known; a grid
# of steps or of integers is coarser, or is 50 values wide.
APART = 0.02
_MAY_WIN = (TrialState.COMPLETE, TrialState.RUNNING)  # only a complete one has a checkpoint to give
_THETA = "curve:theta"  # the trial attribute that keeps the fit which proposed it


class CurveSampler(samplers.BaseSampler):
    """Proposes the configuration whose training is expected to better the winner most.

    Of several objectives it maximises one mixture, drawn anew for each proposal (ParEGO; Knowles,
    2006): proposals spread along the front.

    It keeps nothing: the fit begins where that of the trial before ended, which the study keeps.

    Args:
        space: what is searched.
        study_seed: of the study: decides the first trials.
        seed: of the trial: the candidates among which the next one is found.
        earlier: searches to learn from.
    """

    def __init__(
        self,
        space: CheckedSpace,
        study_seed: int,
        seed: int,
        earlier: Sequence[EarlierSearch] = (),
    ) -> None:
        self._space, self._cube, self._earlier = space, Cube(space), earlier
        self._study_seed = study_seed
        self._rng = np.random.default_rng(seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._space.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Params:
        """Draw all parameters of a trial together."""
        earlier = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        observed = self._observe(study, earlier)
        started = [one for one in earlier if has_parameters(one)]
        if trial.number < STARTS or not can_fit(observed):
            return self._proven(started) or self._cube.configuration(self._start(trial.number))
        if self._rng.random() < RANDOM_SHARE:
            return self._space.random(self._rng)
        with one_thread():
            theta, models = _last_theta(earlier, trial.number), [one.model for one in self._earlier]
            model = fit_model(observed, self._cube.groups, theta, models)
            _keep_theta(study, trial, model)
            return self._best(model.believing_in_running(observed), started)

    def _observe(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> list[Observed]:
        """Return the trials' scores; of several objectives, weighed anew for every proposal."""
        combine = self._weighting(study, trials) if has_several(study) else FIRST
        return observe(trials, self._cube, self._space.recipe.iterations, combine=combine)

    def _weighting(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> Combine:
        """Draw weights; the scale is that of the last scores so far."""
        last = [[*scores_of(one).values()][-1] for one in trials if one.intermediate_values]
        weights = self._rng.dirichlet(np.ones(len(study.directions)))
        return Weighting.of(np.array(last), weights) if last else FIRST

    def _proven(self, started: Sequence[FrozenTrial]) -> Params | None:
        """Return what was worth most in an earlier search and has not been tried here."""
        proven, tried = (one.best for one in self._earlier), [one.params for one in started]
        return next((p for p in proven if p not in tried and self._space.is_feasible(p)), None)

    def _start(self, number: int) -> Array:
        """Return a point of a scrambled Sobol sequence, (P,): the trial's number is its place."""
        sequence = qmc.Sobol(self._cube.axes, rng=self._study_seed)
        return sequence.fast_forward(number).random(1)[0] if number else sequence.random(1)[0]

    def _best(self, posterior: Posterior, started: Sequence[FrozenTrial]) -> Params:
        places = self._cube.places(one.params for one in started)
        may_win = np.array([one.state in _MAY_WIN for one in started])
        finalists = places[may_win] if may_win.any() else places

        def accept(place: Array) -> bool:
            apart = np.nan_to_num(np.abs(places - place), nan=1.0).max(axis=1).min() >= APART
            return bool(apart) and self._space.is_feasible(self._cube.configuration(place))

        place = propose(posterior, self._cube, places, finalists, accept, self._rng)
        return self._cube.configuration(place)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a parameter that a proposal left out, because its `when` did not hold."""
        return self._space.space.by_key[param_name].uniform(self._rng)


def _last_theta(trials: Sequence[FrozenTrial], before: int) -> Array | None:
    """Return the fit of the latest trial that has one."""
    kept = [trial for trial in trials if trial.number < before and _THETA in trial.system_attrs]
    latest = max(kept, key=lambda trial: trial.number, default=None)
    return None if latest is None else np.array(latest.system_attrs[_THETA])


def _keep_theta(study: optuna.Study, trial: FrozenTrial, model: CurveModel) -> None:
    # as Optuna's own samplers keep their state
    study._storage.set_trial_system_attr(trial._trial_id, _THETA, model.theta.tolist())
