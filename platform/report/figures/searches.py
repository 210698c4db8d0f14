"""Several searches in one figure: the lead of each winner, and how each got there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import matplotlib
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import HALF, INK, RECIPE, SCALE, WINNER, canvas
from platform.report.listing import what_was_maximised
from platform.report.searched import Searched
from platform.report.verdict import lead_of_winner

Row = tuple[str, float, float]  # search, lead, half its interval


def search_leads_figure(searches: Sequence[Searched], labels: Sequence[str]) -> Drawing | None:
    """Draw the lead of each winner over its own recipe; None where no model knows one."""
    found = [(label, lead_of_winner(one)) for label, one in zip(labels, searches, strict=True)]
    rows = [(label, one.value, one.half or 0.0) for label, one in found if one is not None]
    if not rows:
        return None
    return Drawing(
        key="search_leads",
        title="Lead of each winner over its own recipe",
        caption=f"In points of {what_was_maximised(searches)} on tune, with 95 % intervals.",
        alt="Leads: " + "; ".join(f"{label} {100 * lead:+.1f}" for label, lead, _ in rows) + ".",
        numbers=Numbers(
            columns=("search", "lead over the recipe", "half of the 95 % interval"),
            rows=rows,
            digits=4,
        ),
        draw=partial(_draw_leads, rows, what_was_maximised(searches)),
        wide=HALF,
    )


def _draw_leads(rows: Sequence[Row], what: str, width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 74 + 30 * len(rows))
    axes.axvline(0, color=RECIPE, linewidth=1.6)
    for place, (label, lead, half) in enumerate(rows):
        ends = [100 * (lead - half), 100 * (lead + half)]
        axes.plot(ends, [place] * 2, color=WINNER, linewidth=3, alpha=0.55)
        dot = axes.scatter([100 * lead], [place], s=46, color=WINNER, zorder=3)
        tips.add(dot, [f"{label}: {100 * lead:+.1f} ±{100 * half:.1f} points"])
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"points of {what} more than the recipe")
    return figure


def search_progress_figure(searches: Sequence[Searched], labels: Sequence[str]) -> Drawing:
    """Draw the best score so far over the hours trained."""
    curves = {label: best_over_time(one) for label, one in zip(labels, searches, strict=True)}
    rows = [(label, hours, best) for label, curve in curves.items() for hours, best in curve]
    return Drawing(
        key="search_progress",
        title="Best last score over hours of training",
        caption="Of complete trials, in the order of their ends; hours of all trials together.",
        alt=f"Best score over training time of {len(curves)} searches.",
        numbers=Numbers(columns=("search", "hours trained", "best so far"), rows=rows, digits=4),
        draw=partial(_draw_progress, curves, what_was_maximised(searches)),
    )


def best_over_time(searched: Searched) -> list[tuple[float, float]]:
    """Return hours of training and the best score of complete trials, at the end of each trial."""
    over = sorted((row for row in searched.trials if row.ended), key=lambda row: row.ended or 0)
    hours = itertools.accumulate(row.totals["seconds_training"] / 3600 for row in over)
    scores = [searched.last_score(row) or 0.0 if row.state == "complete" else 0.0 for row in over]
    best = itertools.accumulate(scores, max)
    return [(hour, one) for hour, one in zip(hours, best, strict=True) if one > 0]


def _draw_progress(
    curves: dict[str, list[tuple[float, float]]], what: str, width: int, tips: Tips
) -> Figure:
    figure, axes = canvas(width, 300)
    colours = matplotlib.colormaps[SCALE](
        [0.05 + 0.75 * i / len(curves) for i in range(len(curves))]
    )
    for (label, curve), colour in zip(curves.items(), colours, strict=True):
        if curve:
            x, y = zip(*curve, strict=True)
            (line,) = axes.step(x, [100 * one for one in y], where="post", color=colour, lw=2)
            tips.add(line, [label])
            line.set_label(label)
    axes.set_xlabel("hours of training, all trials")
    axes.set_ylabel(f"{what} on tune, %")
    axes.legend(labelcolor=INK)
    return figure
