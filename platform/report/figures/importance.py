"""How much each parameter decides, by two evaluators."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import INK, MUTED, OTHER, WINNER, canvas
from platform.report.importance import Importance
from platform.report.searched import Searched

_COLUMNS = ("parameter", "PED-ANOVA", "5 %", "95 %", "fANOVA")


def importance_figure(searched: Searched, found: Importance) -> Drawing:
    """Draw the shares of both evaluators."""
    rows = [
        (key, found.ped_anova[key], found.low[key], found.high[key], found.fanova[key])
        for key in found.order
    ]
    return Drawing(
        key="importance",
        title="What mattered",
        caption="Filled: PED-ANOVA, what makes a configuration one of the best tenth; the line is "
        "the middle 90 % over resampled trials. Hollow: fANOVA, what explains the differences over "
        "the whole space. Both see what configurations are worth, those of stopped trials too.",
        alt=f"Importance of {len(rows)} parameters; first {rows[0][0]}.",
        numbers=Numbers(columns=_COLUMNS, rows=rows),
        draw=partial(_draw, found, [searched.names[key] for key in found.order]),
    )


def _draw(found: Importance, names: list[str], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 70 + 26 * len(names))
    order, places = found.order, np.arange(len(names))
    for place, key in zip(places, order, strict=True):
        axes.plot([found.low[key], found.high[key]], [place] * 2, color=WINNER, alpha=0.4, lw=3)
    ped = axes.scatter(
        [found.ped_anova[key] for key in order], places, s=44, color=WINNER, zorder=3
    )
    fan = axes.scatter(
        [found.fanova[key] for key in order],
        places,
        s=44,
        facecolors="none",
        edgecolors=OTHER,
        linewidths=1.6,
        zorder=3,
    )
    tips.add(ped, [f"{key}: PED-ANOVA {found.ped_anova[key]:.2f}" for key in order])
    tips.add(fan, [f"{key}: fANOVA {found.fanova[key]:.2f}" for key in order])
    axes.set_yticks(places, names, color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of what is explained", color=MUTED)
    return figure
