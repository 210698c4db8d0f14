"""Two parameters at a time: the model's surface around the winner, and the trials on it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from platform.report.figures.axis import ParameterAxis, parameter_axes
from platform.report.figures.drawing import Cell, Drawing, Numbers, Tips
from platform.report.figures.style import DOT, INK, PAPER, RECIPE, SCALE, WINNER, panels
from platform.report.searched import Searched
from platform.search.curve.threads import one_thread
from platform.search.space.cube import Cube

_GRID = 24
_BEST = 3  # parameters, each with each
_LOWEST = 0.2  # share of the surfaces that has one colour, the darkest
Pair = tuple[ParameterAxis, ParameterAxis]
Array = NDArray[np.float64]


def contours_figure(searched: Searched, order: Sequence[str]) -> Drawing | None:
    """Draw a panel for each pair of the most important parameters; None without a model."""
    axes = {one.parameter.key: one for one in parameter_axes(searched)}
    best = [axes[key] for key in order[:_BEST]]
    if searched.fitted is None or searched.winner is None or len(best) < 2:
        return None
    pairs = list(itertools.combinations(best, 2))
    surfaces = [_surface(searched, pair) for pair in pairs]
    rows = [row for pair, one in zip(pairs, surfaces, strict=True) for row in _rows(pair, one)]
    return Drawing(
        key="contours",
        title="Two parameters at a time",
        caption=f"The model's worth in % of {searched.heading} where only these two leave the "
        "winner's configuration. Dots are trials, which may differ in the others too.",
        alt="Surfaces over pairs of " + ", ".join(one.parameter.key for one in best) + ".",
        numbers=Numbers(
            columns=("x", "y", "value of x", "value of y", "worth"), rows=rows, digits=4
        ),
        draw=partial(_draw, searched, pairs, surfaces),
    )


def _surface(searched: Searched, pair: Pair) -> tuple[Array, Array, Array]:
    """Return the positions along both axes, and what the model says, (Y, X)."""
    assert searched.fitted is not None
    assert searched.winner is not None
    cube = Cube(searched.space)
    keys = [parameter.key for parameter in searched.space.space.parameters]
    (across, x), (up, y) = (one.grid(_GRID) for one in pair)
    places = np.repeat(
        cube.places([searched.rows[searched.winner].params]), x.size * y.size, axis=0
    )
    places[:, keys.index(pair[0].parameter.key)] = np.tile(across, y.size)
    places[:, keys.index(pair[1].parameter.key)] = np.repeat(up, x.size)
    with one_thread():
        mean, _ = searched.fitted.model.worth(cube.features(places))
    return x, y, mean.reshape(y.size, x.size)


def _rows(pair: Pair, surface: tuple[Array, Array, Array]) -> list[tuple[Cell, ...]]:
    x, y, worth = surface
    names = [one.parameter.key for one in pair]
    return [
        (*names, float(x[i]), float(y[j]), float(worth[j, i]))
        for j in range(y.size)
        for i in range(x.size)
    ]


def _draw(
    searched: Searched,
    pairs: list[Pair],
    surfaces: list[tuple[Array, Array, Array]],
    width: int,
    tips: Tips,
) -> Figure:
    figure, places = panels(width, len(pairs), 230, columns=3)
    worths = 100 * np.concatenate([one[2].ravel() for one in surfaces])
    low = np.quantile(worths, _LOWEST)  # a far corner would leave one colour to what matters
    levels = np.linspace(low, max(worths.max(), low + 1e-3), 9)
    scale = Normalize(levels[0], levels[-1])
    for axes, pair, (x, y, worth) in zip(places, pairs, surfaces, strict=True):
        axes.contourf(x, y, 100 * worth, levels=levels, cmap=SCALE, norm=scale, extend="min")
        pair[0].along_x(axes)
        pair[1].along_y(axes)
        axes.grid(visible=False)
        _draw_trials(axes, searched, pair)
    filled = ScalarMappable(scale, SCALE)
    bar = figure.colorbar(filled, ax=places, shrink=0.85, aspect=24, format="%.1f", extend="min")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label("worth, %")
    return figure


def _draw_trials(axes: Axes, searched: Searched, pair: Pair) -> None:
    others = [number for number in searched.worth if number not in (0, searched.winner)]
    edge = {"edgecolors": INK, "linewidths": 0.4, "zorder": 3}
    axes.scatter(*_positions(searched, pair, others), s=0.5 * DOT, color=PAPER, **edge)
    edge = {"edgecolors": PAPER, "linewidths": 1, "zorder": 4}
    for name, number in searched.contenders().items():
        colour = WINNER if name == "winner" else RECIPE
        axes.scatter(*_positions(searched, pair, [number]), s=2.2 * DOT, color=colour, **edge)


def _positions(searched: Searched, pair: Pair, numbers: Sequence[int]) -> list[list[float]]:
    params = [searched.rows[number].params for number in numbers]
    return [[one.position(each.get(one.parameter.key)) for each in params] for one in pair]
