"""A search space together with the recipe that it varies: what may be proposed, and tried first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import optuna
from optuna.distributions import BaseDistribution

from platform.search.space.parameters import Parameter, Value
from platform.search.space.spaces import SearchSpace
from toco_core.settings import Recipe
from toco_core.settings.keys import get_value
from toco_core.settings.overrides import apply_overrides

Params: TypeAlias = dict[str, Value]
LAYER = "backbone.aux_layer"  # the one setting whose range depends on the network
WARMUP = "optimiser.warmup"  # and the one whose range depends on the length of the training


def trial_recipe(base: Recipe, params: Mapping[str, Any], repeat: int) -> Recipe:
    """Return the recipe of a trial: each repeat of a configuration has another seed.

    Raises:
        ValueError: If the settings refuse the parameters.
    """
    return apply_overrides(base, {**params, "seed": base.seed + repeat})


@dataclass(frozen=True)
class CheckedSpace:
    """A search space that fits its recipe; made by `space_checks.check_space`."""

    space: SearchSpace
    recipe: Recipe
    depth: int

    def suggest(self, trial: optuna.Trial) -> Params:
        """Ask Optuna for the parameters whose condition holds.

        Args:
            trial: A trial in work; parameters that it has already are returned again.

        Returns:
            Settings keys and values, in the order of the space.
        """
        return self.complete(lambda parameter: parameter.suggest(trial))

    def complete(self, draw: Callable[[Parameter], Value]) -> Params:
        """Draw, one after the other, the parameters whose condition holds."""
        params: Params = {}
        for parameter in self.space.parameters:
            if parameter.when is None or parameter.when.holds(self._lookup(params)):
                params[parameter.key] = draw(parameter)
        return params

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Every parameter as Optuna's samplers know it."""
        return {one.key: one.distribution() for one in self.space.parameters}

    def is_feasible(self, params: Mapping[str, Any]) -> bool:
        """Whether the constraints hold and the settings' own validators accept the recipe."""
        lookup = self._lookup(params)
        if not all(condition.holds(lookup) for condition in self.space.constraints):
            return False
        try:
            self.recipe_for(params)
        except ValueError:
            return False
        return True

    def recipe_for(self, params: Mapping[str, Any], repeat: int = 0) -> Recipe:
        """Return the recipe of one configuration, or of a repeat of it; as `trial_recipe`."""
        return trial_recipe(self.recipe, params, repeat)

    def starting_points(self) -> list[Params]:
        """Return the configurations to try first: the recipe's own, then the space's known ones."""
        given: list[Mapping[str, Value]] = [{}, *self.space.known]
        points = [self.starting_point(values) for values in given]
        # a known configuration may be the recipe itself
        return [point for index, point in enumerate(points) if point not in points[:index]]

    def starting_point(self, values: Mapping[str, Value]) -> Params:
        """Return the configuration of some values; settings that are left out are the recipe's."""
        return self.complete(lambda one: self._start(one, values))

    def _start(self, parameter: Parameter, values: Mapping[str, Value]) -> Value:
        key = parameter.key
        value = values[key] if key in values else get_value(self.recipe, key)
        if parameter.contains(value):
            return parameter.snap(value)
        if key == LAYER and isinstance(value, int) and -self.depth <= value < self.depth:
            # the same block, counted from the other side: 9 of 12 is -3
            return value - self.depth if value >= 0 else value + self.depth
        return value

    def random(self, rng: np.random.Generator, given: Mapping[str, Any] | None = None) -> Params:
        """Draw a configuration uniformly (on the logarithm where the range says so).

        Args:
            rng: Where the numbers come from.
            given: Values that are fixed.

        Returns:
            A configuration that meets the conditions of its parameters, but maybe no constraint.
        """
        given = given or {}
        return self.complete(lambda one: given[one.key] if one.key in given else one.uniform(rng))

    def distance(self, one: Params, other: Params) -> float:
        """Return how far apart two configurations are, every range being 1 wide."""
        keys = {*one, *other}
        by_key = self.space.by_key
        return sum(
            by_key[key].distance(one[key], other[key]) if key in one and key in other else 1.0
            for key in sorted(keys)
        )

    def _lookup(self, params: Mapping[str, Any]) -> Callable[[str], Any]:
        return lambda key: params[key] if key in params else get_value(self.recipe, key)
