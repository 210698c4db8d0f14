"""The configuration of a search space that costs the most: what fits and lasts is decided by it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from platform.search.backbone import encoder_size
from platform.search.memory_limit import DECIDING
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.parameters import Value
from toco_core.cost import step_operations
from toco_core.settings import Recipe

# Of searched settings that cost something there are a few, with two ends or some choices each.
_MOST_COMBINATIONS = 4096


def largest_configuration(space: CheckedSpace) -> Params:
    """Return the feasible configuration with the most operations a step, then with most memory."""
    deciding = [one for one in space.space.parameters if one.key in DECIDING]
    ends = [[(one.key, end) for end in one.ends()] for one in deciding]
    combinations = itertools.islice(itertools.product(*ends), _MOST_COMBINATIONS)
    candidates = (_complete(space, dict(values)) for values in combinations)
    feasible = [one for one in candidates if space.is_feasible(one)]
    return max(
        feasible or space.starting_points()[:1], key=lambda one: _cost(space.recipe_for(one))
    )


def _complete(space: CheckedSpace, values: Mapping[str, Value]) -> Params:
    start = space.starting_points()[0]
    return space.complete(lambda one: values.get(one.key, start.get(one.key, one.ends()[0])))


def _cost(recipe: Recipe) -> tuple[float, ...]:
    compute, images = recipe.compute, recipe.data.images_per_step
    operations = images * step_operations(recipe, encoder_size(recipe.backbone))
    return operations, -compute.parts, not compute.recompute_blocks
