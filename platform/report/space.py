"""The space of a search as it has left it, or, where an earlier version left none, its study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from platform.search.opened import SPACE_FILE
from platform.search.space.checked import CheckedSpace
from platform.search.space.parameters import Parameter
from platform.search.space.spaces import SearchSpace, load_space
from toco_core.settings import Recipe

_RANGE = "range of "  # before a key, where the study says what was searched


def space_of(
    directory: Path, study: optuna.Study, recipe: Recipe, setup: Mapping[str, Any]
) -> CheckedSpace:
    """Return what was searched.

    Args:
        directory: of the search.
        study: of the search.
        recipe: that it varies.
        setup: what the study says of itself.

    Raises:
        ValueError: the file of the space is damaged.
    """
    file = directory / SPACE_FILE
    space = load_space(str(file)) if file.is_file() else _of_study(study, setup)
    return CheckedSpace(space, recipe, int(setup.get("backbone depth", 0)))


def _of_study(study: optuna.Study, setup: Mapping[str, Any]) -> SearchSpace:
    """Return the parameters of a study, without conditions and constraints."""
    found: dict[str, BaseDistribution] = {}
    for trial in study.get_trials(deepcopy=False):
        found |= trial.distributions
    order = [key.removeprefix(_RANGE) for key in setup if key.startswith(_RANGE)]
    keys = [*(key for key in order if key in found), *(key for key in found if key not in order)]
    parameters = tuple(_parameter(key, found[key]) for key in keys)
    return SearchSpace(name=study.study_name, description="", parameters=parameters)


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
