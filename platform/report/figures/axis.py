"""A searched parameter as an axis: where its values lie, and what stands below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from platform.report.figures.drawing import Cell
from platform.report.searched import Searched
from platform.results.parameters import ParameterValue, value_text
from platform.search.space.parameters import Parameter
from platform.search.worth import Estimate


@dataclass(frozen=True)
class ParameterAxis:
    """The axis of a parameter: its values, or for a category the places of its choices."""

    parameter: Parameter
    label: str

    @property
    def is_category(self) -> bool:
        """Whether its values have no order."""
        return self.parameter.kind == "category"

    def position(self, value: ParameterValue | None) -> float:
        """Return where a value lies on the axis; NaN for none, or for one that is no choice."""
        if value is None:
            return np.nan
        if not self.is_category:
            return float(value)
        texts = [value_text(one) for one in self.parameter.choices]
        return float(texts.index(value_text(value))) if value_text(value) in texts else np.nan

    def grid(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return places of the unit interval, and where these lie on the axis."""
        if self.is_category:
            choices = len(self.parameter.choices)
            return (np.arange(choices) + 0.5) / choices, np.arange(choices, dtype=float)
        places, low, high = np.linspace(0, 1, count), self.parameter.low, self.parameter.high
        if self.parameter.log:
            return places, low * (high / low) ** places
        return places, low + (high - low) * places

    def share(self, value: ParameterValue) -> float:
        """Return where a value lies between the ends of the range, 0..1."""
        positions = self.grid(2)[1]
        low, high, position = positions[0], positions[-1], self.position(value)
        if self.parameter.log and not self.is_category:
            low, high, position = np.log(low), np.log(high), np.log(position)
        return float((position - low) / (high - low)) if high > low else 0.5

    def along_x(self, axes: Axes) -> None:
        """Make it the horizontal axis of a panel."""
        axes.set_xlabel(self.label)
        if self.is_category:
            choices = [value_text(one) for one in self.parameter.choices]
            axes.set_xticks(range(len(choices)), choices)
            axes.set_xlim(-0.5, len(choices) - 0.5)
        elif self.parameter.log:
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis)
        elif self.parameter.kind == "int":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))

    def along_y(self, axes: Axes) -> None:
        """Make it the vertical axis of a panel."""
        axes.set_ylabel(self.label)
        if self.is_category:
            choices = [value_text(one) for one in self.parameter.choices]
            axes.set_yticks(range(len(choices)), choices)
        elif self.parameter.log:
            axes.set_yscale("log")
            _plain_numbers(axes.yaxis)
        elif self.parameter.kind == "int":
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _plain_numbers(axis: Axis) -> None:
    """Write 3e-4, 0.1 and 1 on a logarithmic axis, as they stand in a recipe."""
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: as_in_recipe(value)))
    axis.set_minor_formatter(NullFormatter())


def worth_rows(
    searched: Searched, keys: Sequence[str], parts: Callable[[Estimate], Sequence[Cell]]
) -> list[tuple[Cell, ...]]:
    """Return, for each trial with a worth, its number, the parameters of some keys, and its worth.

    Args:
        searched: the search.
        keys: of parameters.
        parts: of a worth that are shown.
    """
    return [
        (number, *(searched.rows[number].params.get(key) for key in keys), *parts(one))
        for number, one in searched.worth.items()
    ]


def as_in_recipe(value: float) -> str:
    """Return a number of a logarithmic axis as recipes have it: 0.01, but 3e-4."""
    if not 0 < value < 1e-3:
        return f"{value:g}"
    mantissa, exponent = f"{value:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def parameter_axes(searched: Searched) -> list[ParameterAxis]:
    """Return an axis for each parameter, in the order of the space."""
    names = searched.names
    return [ParameterAxis(one, names[one.key]) for one in searched.space.space.parameters]
