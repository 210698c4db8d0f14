"""What a choice by fewer masks costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import INK, MUTED, OTHER, RULE, canvas
from platform.report.mask_worth import MaskWorth
from platform.results.formats import gain
from platform.statistics.masks import ROUNDS, MaskBudget


def mask_cost_figure(worth: MaskWorth) -> Drawing:
    """Draw the cost over the number of masks."""
    rows = [
        (one.masks, one.cost.mean, one.cost.low, one.cost.high, one.of_threshold)
        for one in worth.budgets
    ]
    costs = "; ".join(f"{one.masks} masks {gain(one.cost.mean)}" for one in worth.budgets)
    columns = ("masks", "cost", "cost from", "cost to", "of it by the threshold")
    return Drawing(
        key="mask_cost",
        title="What fewer masks would have cost",
        caption="Points of CAM mIoU on tune that a choice of checkpoint and background threshold "
        f"by so many masks loses to the choice by all: mean and middle 95 % of {ROUNDS} draws of "
        "images to choose by, and of others to judge by.",
        alt=f"Points lost by number of masks: {costs}.",
        numbers=Numbers(columns=columns, rows=rows, digits=4),
        draw=partial(_draw, worth.budgets),
    )


def _draw(budgets: Sequence[MaskBudget], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 270)
    places = np.arange(len(budgets))
    cost, low, high = (
        100 * np.array([getattr(one.cost, name) for one in budgets])
        for name in ("mean", "low", "high")
    )
    threshold = 100 * np.array([one.of_threshold for one in budgets])
    axes.axhline(0, color=RULE, linewidth=1)
    axes.bar(places, cost - threshold, 0.55, color=MUTED, label="by the checkpoint")
    axes.bar(
        places,
        threshold,
        0.55,
        bottom=cost - threshold,
        color=OTHER,
        label="by the threshold",
    )
    axes.vlines(places, low, high, color=INK, linewidth=1.4)
    dots = axes.scatter(places, cost, s=30, color=INK, zorder=3)
    tips.add(
        dots,
        [
            f"{one.masks} masks: {mean:.1f} points, {start:.1f} to {end:.1f}"
            for one, mean, start, end in zip(budgets, cost, low, high, strict=True)
        ],
    )
    axes.set_xticks(places, [str(one.masks) for one in budgets])
    axes.set_xlabel("masks of tune to choose by")
    axes.set_ylabel("points of CAM mIoU lost")
    axes.legend()
    return figure
