"""The configurations of the table: those that are known, then a scrambled Sobol sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from scipy.stats import qmc

from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.checks import check_space
from platform.search.space.cube import Cube
from platform.search.space.spaces import load_space
from toco_core.encoder_size import PARTSCENES_SIZE
from toco_core.settings.overrides import apply_overrides, load_recipe, parse_override

RECIPE, SPACE = "partscenes", "full"
_SEED = 20_231  # of the scrambling


def table_space(changes: Sequence[str] = ()) -> CheckedSpace:
    """Return the space of the table, around the embedded recipe with `key=value` changes."""
    recipe = apply_overrides(load_recipe(RECIPE), dict(map(parse_override, changes)))
    return check_space(load_space(SPACE), recipe, PARTSCENES_SIZE.depth)


def table_configurations(space: CheckedSpace, count: int) -> list[Params]:
    """Return so many configurations; those of a smaller count are the first of a larger one."""
    cube, known = Cube(space), space.starting_points()
    points = iter(qmc.Sobol(cube.axes, rng=_SEED).random_base2(12))
    drawn = (cube.configuration(point) for point in points)
    feasible = (one for one in drawn if space.is_feasible(one))
    return [*known, *islice(feasible, max(0, count - len(known)))][:count]


def params_of(row: Mapping[str, Any]) -> Params:
    """Return the configuration of a row of the table, where every setting is a float."""
    parameters = table_space().space.parameters
    return {p.key: int(row[p.key]) if p.kind == "int" else row[p.key] for p in parameters}
