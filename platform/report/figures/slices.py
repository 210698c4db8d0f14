"""Each parameter by itself: what configurations are worth, and the model around the winner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from platform.report.figures.axis import ParameterAxis, parameter_axes, worth_rows
from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import DOT, OTHER, RECIPE, WINNER, panels
from platform.report.searched import Searched
from platform.search.curve.threads import one_thread
from platform.search.space.cube import Cube
from platform.search.worth import NORMAL_95

_MOST = 9
_GRID = 40


def slices_figure(searched: Searched, order: Sequence[str]) -> Drawing | None:
    """Draw a panel for each parameter, the most important first; None before there is a worth."""
    axes = {one.parameter.key: one for one in parameter_axes(searched)}
    keys = [*order, *(key for key in axes if key not in order)][:_MOST]
    if not searched.worth or not keys:
        return None
    rows = worth_rows(searched, keys, lambda one: [one.value, one.half])
    return Drawing(
        key="slices",
        title="One parameter at a time",
        caption="Dots: what the configuration of each trial is worth. Band: the model's 95 % "
        "interval where only this parameter leaves the winner's configuration.",
        alt=f"What configurations are worth over each of {', '.join(keys)}.",
        numbers=Numbers(
            columns=("trial", *keys, "worth", "half of the 95 % interval"), rows=rows, digits=4
        ),
        draw=partial(_draw, searched, [axes[key] for key in keys]),
    )


def _draw(searched: Searched, shown: list[ParameterAxis], width: int, tips: Tips) -> Figure:
    figure, places = panels(width, len(shown), 200, columns=3)
    for axes, one in zip(places, shown, strict=True):
        _draw_band(axes, searched, one)
        _draw_dots(axes, searched, one)
        one.along_x(axes)
    for axes in places[:: 3 if width > 400 else 1]:
        axes.set_ylabel("worth, %")
    return figure


def _draw_band(axes: Axes, searched: Searched, one: ParameterAxis) -> None:
    band = model_band(searched, one)
    if band is None:
        return
    x, mean, half = band
    if one.is_category:
        axes.errorbar(x, 100 * mean, 100 * half, fmt="none", ecolor=WINNER, alpha=0.5)
    else:
        ends = 100 * (mean - half), 100 * (mean + half)
        axes.fill_between(x, *ends, color=WINNER, alpha=0.13, linewidth=0)
        axes.plot(x, 100 * mean, color=WINNER, linewidth=1.1)


Band = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def model_band(searched: Searched, one: ParameterAxis) -> Band | None:
    """Return values of a parameter, what the model says they are worth, and half the interval."""
    if searched.fitted is None or searched.winner is None:
        return None
    cube = Cube(searched.space)
    keys = [parameter.key for parameter in searched.space.space.parameters]
    grid, x = one.grid(_GRID)
    places = np.repeat(cube.places([searched.rows[searched.winner].params]), len(grid), axis=0)
    places[:, keys.index(one.parameter.key)] = grid
    with one_thread():
        mean, sd = searched.fitted.model.worth(cube.features(places))
    return x, mean, NORMAL_95 * sd


def _draw_dots(axes: Axes, searched: Searched, one: ParameterAxis) -> None:
    marked = {0: RECIPE, searched.winner: WINNER}
    for number, estimate in searched.worth.items():
        if number not in marked:
            continue
        x = one.position(searched.rows[number].params.get(one.parameter.key))
        axes.scatter([x], [100 * estimate.value], s=2 * DOT, color=marked[number], zorder=4)
    others = [number for number in searched.worth if number not in marked]
    axes.scatter(
        [one.position(searched.rows[n].params.get(one.parameter.key)) for n in others],
        [100 * searched.worth[n].value for n in others],
        s=DOT * 0.6,
        color=OTHER,
        alpha=0.75,
        linewidths=0,
        zorder=3,
    )
