from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from platform.search.samplers import make_sampler, sampler_names
from platform.search.space.checked import Params
from tests.search.worlds import opener, quality, small_space

INSTALLED = [name for name in sampler_names() if name != "cmaes" or find_spec("cmaes")]


def search(sampler: str, budget: int, seed: int = 0, reopen: bool = False) -> list[Params]:
    """Run a search in sequence; with `reopen`, in a new process, as it were, for each trial."""
    start = opener(InMemoryStorage(), budget=budget, sampler=sampler, pruner="none", seed=seed)
    live = start()
    proposed = []
    while assignment := (live := start() if reopen else live).next():
        proposed.append(assignment.params)
        live.report(assignment.number, quality(assignment.params), step=100)
        live.finish(assignment.number)
    return proposed


@pytest.mark.parametrize("name", INSTALLED)
def test_every_proposal_is_feasible(name: str) -> None:
    space = small_space()
    proposed = search(name, budget=12)
    assert len(proposed) == 12
    assert all(space.is_feasible(params) for params in proposed)
    assert all(space.space.by_key[key].contains(v) for one in proposed for key, v in one.items())


@pytest.mark.parametrize("name", INSTALLED)
def test_a_seed_decides_the_proposals(name: str) -> None:
    first = search(name, budget=12)
    assert search(name, budget=12) == first
    assert search(name, budget=12, seed=1) != first


@pytest.mark.parametrize("name", INSTALLED)
def test_an_interrupted_search_proposes_what_it_would_have(name: str) -> None:
    assert search(name, budget=12, reopen=True) == search(name, budget=12)


# A QMC sequence moves on each time it is asked: the trial keeps what it has, the rest is new.
@pytest.mark.parametrize("name", [name for name in INSTALLED if name != "qmc"])
def test_a_crash_in_the_middle_of_a_proposal_does_not_change_it(name: str) -> None:
    start = opener(InMemoryStorage(), budget=4, sampler=name, pruner="none")
    live = start()
    for _ in range(3):
        assignment = live.next()
        assert assignment
        live.report(assignment.number, quality(assignment.params), step=100)
        live.finish(assignment.number)
    first, *_ = small_space().space.parameters
    first.suggest(live.study.ask())  # and the process dies before the second parameter
    assignment = start().next()
    assert assignment
    assert (assignment.number, assignment.params) == (3, search(name, budget=4)[3])


def test_no_configuration_is_proposed_twice_after_a_restart() -> None:
    proposed = search("random", budget=12, reopen=True)
    assert len({tuple(params.values()) for params in proposed}) == 12


def test_an_infeasible_proposal_takes_no_trial() -> None:
    # 30 of 100 random draws of the space break its constraint
    start = opener(InMemoryStorage(), budget=40, pruner="none")
    live = start()
    numbers = [assignment.number for assignment in iter(live.next, None)]
    assert numbers == list(range(40))
    states = {trial.state for trial in live.study.trials}
    assert states == {TrialState.RUNNING}


class Stubborn(optuna.samplers.RandomSampler):
    """Proposes the same infeasible point for ever."""

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, optuna.distributions.BaseDistribution]:
        return small_space().distributions

    def sample_relative(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, optuna.distributions.BaseDistribution],
    ) -> dict[str, float]:
        return {
            "thresholds.low": 0.5,
            "thresholds.high": 0.5,
            "weights.ptc": 0.3,
            "backbone.aux_layer": -2,
        }


def test_a_sampler_that_insists_gets_the_nearest_feasible_configuration() -> None:
    space = small_space()
    sampler = make_sampler("random", space, seed=0)
    sampler._build = lambda _space, _study, seed: Stubborn(seed=seed)
    study = optuna.create_study(sampler=sampler)
    params = space.suggest(study.ask())
    assert space.is_feasible(params)
    random = [space.random(np.random.default_rng(seed)) for seed in range(100)]
    wanted = Stubborn().sample_relative(study, study.trials[0], {})
    distances = [space.distance(one, {**wanted}) for one in random]
    assert space.distance(params, {**wanted}) < np.quantile(distances, 0.1)


def test_what_a_person_has_set_is_kept_and_completed_feasibly() -> None:
    space = small_space()
    study = optuna.create_study(sampler=make_sampler("tpe", space, seed=0))
    study.enqueue_trial({"thresholds.low": 0.6})
    params = space.suggest(study.ask())
    assert params["thresholds.low"] == 0.6
    assert space.is_feasible(params)


def test_tpe_finds_more_than_chance() -> None:
    def best(sampler: str, seed: int) -> float:
        return max(map(quality, search(sampler, budget=24, seed=seed)))

    wins = [best("tpe", seed) > best("random", seed) for seed in range(5)]
    assert sum(wins) >= 4


def test_an_unknown_sampler_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="sampler 'grid' is not one of curve, tpe, gp"):
        make_sampler("grid", small_space(), seed=0)


@pytest.mark.skipif(find_spec("cmaes") is not None, reason="the package is installed")
def test_a_sampler_whose_package_is_absent_says_how_to_get_it() -> None:
    with pytest.raises(ValueError, match="needs cmaes: pip install cmaes, or use --sampler tpe"):
        make_sampler("cmaes", small_space(), seed=0)
