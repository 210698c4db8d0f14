"""All parameters of all trials at once: parallel coordinates, coloured by worth."""

from __future__ import annotations

from functools import partial

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from platform.report.figures.axis import ParameterAxis, parameter_axes, worth_rows
from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import INK, MUTED, NARROW, RECIPE, RULE, SCALE, WINNER, canvas
from platform.report.searched import Searched
from platform.results.parameters import value_text


def parallel_figure(searched: Searched) -> Drawing | None:
    """Draw a line for each trial with a score; None before there are two."""
    axes, worth = parameter_axes(searched), searched.worth
    if len(worth) < 2 or len(axes) < 2:
        return None
    keys = [one.parameter.key for one in axes]
    rows = worth_rows(searched, keys, lambda one: [one.value])
    return Drawing(
        key="parallel_coordinates",
        title="All parameters at once",
        caption="A line for each trial: dark for what is worth little, light for what is worth "
        "much. Axes run from the low to the high end of what was searched.",
        alt=f"Parallel coordinates of {len(rows)} trials over {len(keys)} parameters.",
        numbers=Numbers(columns=("trial", *keys, "worth"), rows=rows, digits=4),
        draw=partial(_draw, searched, axes),
    )


def _draw(searched: Searched, shown: list[ParameterAxis], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 320)
    worth = {number: one.value for number, one in searched.worth.items()}
    lines = {number: _heights(searched, number, shown) for number in worth}
    scale = Normalize(np.quantile([*worth.values()], 0.1), max(worth.values()))
    order = sorted(worth, key=lambda number: worth[number])
    x = np.arange(len(shown) + 1)
    spread = max(worth.values()) - min(worth.values()) or 1.0
    ends = {n: [*lines[n], (worth[n] - min(worth.values())) / spread] for n in order}
    colours = matplotlib.colormaps[SCALE](scale([worth[number] for number in order]))
    paths = [np.column_stack([x, ends[number]]) for number in order]
    axes.add_collection(LineCollection(paths, colors=colours, linewidths=0.9, alpha=0.75))
    for name, number in searched.contenders().items():
        colour = WINNER if name == "winner" else RECIPE
        axes.plot(x, ends[number], color=colour, linewidth=2.6)
    _label(axes, shown, [min(worth.values()), max(worth.values())], width)
    return figure


def _label(axes: Axes, shown: list[ParameterAxis], worths: list[float], width: int) -> None:
    names = [*(one.label for one in shown), "worth"]
    ends = [[value_text(e) for e in one.parameter.ends()] for one in shown]
    ends.append([f"{100 * end:.1f}" for end in worths])
    for place, texts in enumerate(ends):
        axes.axvline(place, color=RULE, linewidth=1, zorder=0)
        for height, text in ((-0.06, texts[0]), (1.06, texts[-1])):
            axes.text(place, height, text, ha="center", va="center", color=MUTED, fontsize=10)
    axes.set_xticks(range(len(names)), names, color=INK)
    is_tight = width <= NARROW or len(names) > 8
    axes.tick_params(axis="x", length=0, rotation=35 if is_tight else 0)
    axes.set_ylim(-0.08, 1.08)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)


def _heights(searched: Searched, number: int, shown: list[ParameterAxis]) -> list[float]:
    params = searched.rows[number].params
    return [
        one.share(params[one.parameter.key]) if one.parameter.key in params else np.nan
        for one in shown
    ]
