"""The searches that are compared: the platform's own by its options, others' as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import optuna
from optuna import pruners, samplers
from optuna.trial import FrozenTrial

from benchmarks.search_quality.smac import SmacSampler, smac_incumbent
from platform.search.earlier import EarlierSearch
from platform.search.options import Pruner, Sampler, SearchOptions
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.space.checked import CheckedSpace
from platform.search.winner import find_winner

LEARNT = "default+learnt"


@dataclass(frozen=True)
class Method:
    """What proposes, what stops early, what names the winner.

    Attributes:
        sampler: of a space and a seed; it may learn from earlier searches.
        learns: whether it is given any.
        judges: whether it says what its winner is worth, and how sure that is.
    """

    sampler: Callable[[CheckedSpace, int, Sequence[EarlierSearch]], samplers.BaseSampler]
    pruner: Callable[[int], pruners.BasePruner]
    winner: Callable[[optuna.Study, CheckedSpace], FrozenTrial | None]
    learns: bool = False
    judges: bool = False


def make_method(name: str) -> Method:
    """Make a method by name: `default`, SAMPLER+PRUNER of the platform, or one of others.

    `default+learnt` is the default that learns from searches of other tasks.

    Raises:
        ValueError: there is none of that name.
    """
    options = SearchOptions()
    if name == "default":
        return _ours(options.sampler, options.pruner)
    if name == LEARNT:
        return replace(_ours(options.sampler, options.pruner), learns=True)
    if name in _OTHERS:
        return _OTHERS[name]
    sampler, _, pruner = name.partition("+")
    if sampler in get_args(Sampler) and pruner in get_args(Pruner):
        return _ours(sampler, pruner)
    own = f"{'|'.join(get_args(Sampler))}+{'|'.join(get_args(Pruner))}"
    raise ValueError(
        f"method {name!r} is not one of default, {LEARNT}, {', '.join(_OTHERS)}, {own}"
    )


def _ours(sampler: str, pruner: str) -> Method:
    return Method(
        lambda space, seed, earlier: make_sampler(sampler, space, seed, earlier),
        lambda iterations: make_pruner(pruner, iterations),
        find_winner,
        judges=True,
    )


def _optuna(
    sampler: Callable[[int], samplers.BaseSampler], pruner: Callable[[int], pruners.BasePruner]
) -> Method:
    return Method(
        lambda _space, seed, _earlier: sampler(seed), pruner, lambda study, _: _highest(study)
    )


def _highest(study: optuna.Study) -> FrozenTrial | None:
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return max(complete, key=lambda trial: trial.value or 0.0, default=None)


def _smac(*, repeats: bool) -> Method:
    return Method(
        lambda space, seed, _: SmacSampler(space, seed, repeats=repeats), _none, smac_incumbent
    )


def _tpe(seed: int) -> samplers.BaseSampler:
    return samplers.TPESampler(seed=seed)


def _none(_: int) -> pruners.BasePruner:
    return pruners.NopPruner()


# as their documentation gives them, nothing tuned
_OTHERS: dict[str, Method] = {
    "optuna-random": _optuna(lambda seed: samplers.RandomSampler(seed=seed), _none),
    "optuna-tpe": _optuna(_tpe, _none),
    "optuna-tpe+median": _optuna(_tpe, lambda _: pruners.MedianPruner()),
    "optuna-tpe+halving": _optuna(_tpe, lambda _: pruners.SuccessiveHalvingPruner()),
    "optuna-tpe+hyperband": _optuna(
        _tpe, lambda iterations: pruners.HyperbandPruner(max_resource=iterations)
    ),
    "optuna-gp": _optuna(lambda seed: samplers.GPSampler(seed=seed), _none),
    "smac": _smac(repeats=True),
    "smac-once": _smac(repeats=False),
}
