"""Refuse, before anything starts, a search space that does not fit its recipe."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError, create_model

from platform.search.space.checked import LAYER, WARMUP, CheckedSpace, Params
from platform.search.space.parameters import Parameter
from platform.search.space.spaces import SearchSpace
from toco_core.messages import first_refusal, shown
from toco_core.settings import Recipe
from toco_core.settings.keys import get_value, setting_fields
from toco_core.settings.warmup import require_warmup

# Where one configuration in a hundred is feasible, this many draws miss them all with 4e-5.
_DRAWS = 1000


def check_space(space: SearchSpace, recipe: Recipe, depth: int) -> CheckedSpace:
    """Check a search space against its recipe.

    Args:
        space: What is searched.
        recipe: The published configuration, and every setting that is not searched.
        depth: Number of blocks of the recipe's backbone.

    Raises:
        ValueError: If a layer lies outside the backbone, a range holds values that the settings
            refuse, a starting point lies outside the search, or no configuration is feasible.
    """
    for parameter in space.parameters:
        _check_layer(parameter, depth)
        _check_ends(parameter)
        _check_warmup(parameter, recipe.iterations)
    _check_conditions(space, recipe)
    checked = CheckedSpace(space, recipe, depth)
    for number, point in enumerate(checked.starting_points()):
        _check_start(checked, point, "the recipe's own" if number == 0 else "a known")
    rng = np.random.default_rng(0)
    if not any(checked.is_feasible(checked.random(rng)) for _ in range(_DRAWS)):
        raise ValueError(
            f"{space.name}: none of {_DRAWS} random configurations meets {_rules(space)}; "
            "widen the ranges"
        )
    return checked


def _check_conditions(space: SearchSpace, recipe: Recipe) -> None:
    def lookup(key: str) -> object:
        return get_value(recipe, key)

    for condition in space.constraints:
        condition.check_kinds(lookup, space.name)
    for parameter in space.parameters:
        if parameter.when:
            parameter.when.check_kinds(lookup, parameter.where)


def _rules(space: SearchSpace) -> str:
    return " and ".join([*(one.text for one in space.constraints), "the settings' own rules"])


def _check_layer(parameter: Parameter, depth: int) -> None:
    if parameter.key != LAYER:
        return
    valid = f"-{depth} to -1 (from the end) or 0 to {depth - 1}"
    if any(isinstance(end, int) and not -depth <= end < depth for end in parameter.ends()):
        raise ValueError(
            f"{parameter.where}: {parameter.describe()} leaves the backbone of {depth} blocks; "
            f"valid are {valid}"
        )
    if parameter.kind != "category" and parameter.low < 0 <= parameter.high:
        raise ValueError(
            f"{parameter.where}: {parameter.describe()} counts from both sides; use {valid}"
        )


def _check_warmup(parameter: Parameter, iterations: int) -> None:
    if parameter.key != WARMUP:
        return
    for end in parameter.ends():
        try:
            require_warmup(int(end), iterations)
        except ValueError as error:
            raise ValueError(f"{parameter.where}: {error}") from None


def _check_ends(parameter: Parameter) -> None:
    field = setting_fields()[parameter.key]
    assert field.annotation is not None
    # the field alone: validators over several fields, low < high for one, are for the constraints
    alone = create_model("Setting", value=(field.annotation, field))
    for end in parameter.ends():
        try:
            value = alone.model_validate({"value": end}).model_dump()["value"]
        except ValidationError as error:
            _, reason = first_refusal(error)
            raise ValueError(f"{parameter.where}: {shown(end)} is refused: {reason}") from None
        # what pydantic converts quietly (true to 1.0, "2" to 2) is a mistake in a search space
        if type(value) is not type(end) and (type(end), type(value)) != (int, float):
            raise ValueError(
                f"{parameter.where}: {end!r} is a {type(end).__name__}, "
                f"but the setting is a {type(value).__name__}"
            )


def _check_start(checked: CheckedSpace, point: Params, whose: str) -> None:
    for key, value in point.items():
        parameter = checked.space.by_key[key]
        if not parameter.contains(value):
            raise ValueError(
                f"{parameter.where}: {whose} value {value} is not among those searched "
                f"({parameter.describe()}); widen the range, or change the recipe: --set {key}=..."
            )
    if not checked.is_feasible(point):
        raise ValueError(
            f"{checked.space.name}: {whose} configuration {point} breaks {_rules(checked.space)}"
        )
