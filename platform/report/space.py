"""The space of a search that is over, read from its study: as the model of its scores needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from platform.search.space.checked import CheckedSpace
from platform.search.space.parameters import Parameter
from platform.search.space.spaces import SearchSpace
from toco_core.settings import Recipe

_RANGE = "range of "  # before a key, where the study says what was searched


def space_of(study: optuna.Study, recipe: Recipe, setup: Mapping[str, Any]) -> CheckedSpace:
    """Return the space of a study: its parameters, without conditions and constraints.

    Args:
        study: of a search.
        recipe: that it varies.
        setup: what the study says of itself; gives the order of the parameters.
    """
    found: dict[str, BaseDistribution] = {}
    for trial in study.get_trials(deepcopy=False):
        found |= trial.distributions
    order = [key.removeprefix(_RANGE) for key in setup if key.startswith(_RANGE)]
    keys = [*(key for key in order if key in found), *(key for key in found if key not in order)]
    parameters = tuple(_parameter(key, found[key]) for key in keys)
    space = SearchSpace(name=study.study_name, description="", parameters=parameters)
    return CheckedSpace(space, recipe, int(setup.get("backbone depth", 0)))


def _parameter(key: str, distribution: BaseDistribution) -> Parameter:
    match distribution:
        case CategoricalDistribution(choices=choices):
            # the platform's spaces have no null among the choices
            return Parameter(key=key, kind="category", choices=choices)  # pyright: ignore[reportArgumentType]
        case IntDistribution(low=low, high=high, log=log, step=step):
            return Parameter(key=key, kind="int", low=low, high=high, log=log, step=step)
        case FloatDistribution(low=low, high=high, log=log, step=step):
            return Parameter(key=key, kind="float", low=low, high=high, log=log, step=step)
    raise AssertionError(f"{key}: {distribution} is no distribution of Optuna's")
