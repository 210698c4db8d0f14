"""Configurations as points of the unit cube, and as the features that a kernel compares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.parameters import Parameter, Value
from toco_core.settings.keys import get_value

Array: TypeAlias = NDArray[np.float64]

_MISSING = math.nan  # the place of a choice that is not among those searched


class Cube:
    """The unit cube of a search space: an axis for each parameter.

    A range is mapped linearly, on the logarithm where the space says so. Choice i of n lies at
    (i + 1/2) / n. A parameter whose `when` does not hold lies where the recipe's own value does:
    that is the value the trial trains with.
    """

    def __init__(self, space: CheckedSpace) -> None:
        self._space = space
        self._parameters = space.space.parameters
        self._conditional = any(one.when is not None for one in self._parameters)

    @property
    def axes(self) -> int:
        """The number of parameters, P."""
        return len(self._parameters)

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """The parameter that each feature belongs to, (D,)."""
        widths = [len(one.choices) if _is_category(one) else 1 for one in self._parameters]
        return np.repeat(np.arange(self.axes), widths)

    def places(self, configurations: Iterable[Mapping[str, Value]]) -> Array:
        """Return where configurations lie, (N, P)."""
        rows = list(configurations)
        columns = [
            self._column(one, [row.get(one.key) for row in rows]) for one in self._parameters
        ]
        return np.column_stack(columns).reshape(-1, self.axes)

    def _column(self, parameter: Parameter, values: Sequence[Value | None]) -> Array:
        """Return the places of values of one parameter, (N,); of None, that of the recipe's."""
        places = np.empty(len(values))
        absent = np.array([value is None for value in values], bool)
        places[absent] = self._absent(parameter) if absent.any() else 0.0
        there = [value for value in values if value is not None]
        places[~absent] = _places_of(parameter, there)
        return places

    def _absent(self, parameter: Parameter) -> float:
        value = get_value(self._space.recipe, parameter.key)
        return min(max(_to_place(parameter, value), 0.0), 1.0)

    def configuration(self, place: Array) -> Params:
        """Return the configuration nearest to a place, (P,)."""
        axis = {one.key: number for number, one in enumerate(self._parameters)}
        return self._space.complete(lambda one: _to_value(one, float(place[axis[one.key]])))

    def snap(self, places: Array) -> Array:
        """Return the places of the nearest configurations, (N, P)."""
        inside = np.clip(places, 0.0, 1.0)
        if self._conditional:
            return self.places(map(self.configuration, inside))
        columns = zip(self._parameters, inside.T, strict=True)
        return np.column_stack([_snap(one, column) for one, column in columns])

    def features(self, places: Array) -> Array:
        """Return what distances are measured between, (N, D).

        A range is one feature. A category is one for each choice, scaled so that two choices are
        at distance 1.
        """
        columns = zip(self._parameters, places.T, strict=True)
        return np.concatenate([_features(one, column) for one, column in columns], axis=1)

    def all_places(self, limit: int) -> Array | None:
        """Return the places of every configuration, or None where there are more than `limit`."""
        grids = [_grid(one, limit) for one in self._parameters]
        if any(grid is None for grid in grids):
            return None
        sizes = [len(grid) for grid in grids if grid is not None]
        if math.prod(sizes) > limit:
            return None
        axes = np.meshgrid(*(grid for grid in grids if grid is not None), indexing="ij")
        return np.unique(self.snap(np.column_stack([axis.ravel() for axis in axes])), axis=0)


def _is_category(parameter: Parameter) -> bool:
    return parameter.kind == "category"


def _to_place(parameter: Parameter, value: Value) -> float:
    return float(_places_of(parameter, [value])[0])


def _places_of(parameter: Parameter, values: Sequence[Value]) -> Array:
    if _is_category(parameter):
        return np.array([_choice_place(parameter, value) for value in values], float)
    numbers = np.array([float(value) for value in values])
    return _to_places(parameter, np.maximum(numbers, 1e-300) if parameter.log else numbers)


def _choice_place(parameter: Parameter, value: Value) -> float:
    places = [n for n, one in enumerate(parameter.choices) if _equal(one, value)]
    return (places[0] + 0.5) / len(parameter.choices) if places else _MISSING


def _equal(one: Value, other: Value) -> bool:
    return one == other and type(one) is type(other)


def _ends(parameter: Parameter) -> tuple[float, float]:
    """Return the ends of a range, of its logarithm where it has one."""
    if parameter.log:
        return math.log(parameter.low), math.log(parameter.high)
    return float(parameter.low), float(parameter.high)


def _to_value(parameter: Parameter, place: float) -> Value:
    if _is_category(parameter):
        count = len(parameter.choices)
        return parameter.choices[0 if math.isnan(place) else min(int(place * count), count - 1)]
    value = float(_numbers(parameter, np.array([place]))[0])
    return int(value) if parameter.kind == "int" else parameter.snap(value)


def _numbers(parameter: Parameter, places: Array) -> Array:
    """Return the values of a range nearest to places 0..1, on its grid where it has one."""
    low, high = _ends(parameter)
    values = low + places * (high - low)
    if parameter.log:
        values = np.minimum(np.maximum(np.exp(values), parameter.low), parameter.high)
        return np.rint(values) if parameter.kind == "int" else values
    step = parameter.step or (1.0 if parameter.kind == "int" else None)
    if step is None:
        return np.clip(values, low, high)
    last = math.floor((high - low) / step + 1e-8)
    return low + step * np.clip(np.round((values - low) / step), 0, last)


def _snap(parameter: Parameter, places: Array) -> Array:
    if _is_category(parameter):
        count = len(parameter.choices)
        return (np.minimum(np.floor(places * count), count - 1) + 0.5) / count
    return _to_places(parameter, _numbers(parameter, places))


def _to_places(parameter: Parameter, values: Array) -> Array:
    low, high = _ends(parameter)
    if low == high:
        return np.zeros_like(values)
    return ((np.log(values) if parameter.log else values) - low) / (high - low)


def _features(parameter: Parameter, places: Array) -> Array:
    if not _is_category(parameter):
        return places[:, None]
    count = len(parameter.choices)
    centres = (np.arange(count) + 0.5) / count
    chosen = np.isclose(places[:, None], centres[None])  # NaN is close to none
    return chosen.astype(float) * math.sqrt(0.5)


def _grid(parameter: Parameter, limit: int) -> Array | None:
    """Return the places of all values of a parameter; None where there are too many to list."""
    if _is_category(parameter):
        return (np.arange(len(parameter.choices)) + 0.5) / len(parameter.choices)
    step = parameter.step or (1.0 if parameter.kind == "int" else None)
    if parameter.low == parameter.high:
        return np.zeros(1)
    if step is None or (parameter.high - parameter.low) / step > limit:
        return None
    count = math.floor((parameter.high - parameter.low) / step + 1e-8) + 1
    return _to_places(parameter, parameter.low + step * np.arange(count, dtype=float))
