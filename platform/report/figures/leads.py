"""The answer as a picture: what each complete configuration is worth beyond the recipe."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import HALF, INK, MUTED, NARROW, OTHER, RECIPE, WINNER, canvas
from platform.report.searched import Searched
from platform.results.formats import gain

_MOST = 8  # more is in the table of trials
Row = tuple[int, float, float]  # trial, lead, half its interval


def leads_figure(searched: Searched) -> Drawing | None:
    """Draw the leads over the recipe; None where no model knows them."""
    rows = lead_rows(searched)
    if not rows:
        return None
    numbers = Numbers(
        columns=("trial", "lead over the recipe", "half of the 95 % interval"),
        rows=rows,
        digits=4,
    )
    shown = rows[:_MOST]
    best = f"trial {shown[0][0]} by {gain(shown[0][1])} points"
    return Drawing(
        key="leads",
        title="Lead over the recipe",
        caption=f"In points of {searched.heading} on tune, by all scores of all trials, without "
        "the luck of seed and score. An interval that crosses the line is not told apart from the "
        "recipe.",
        alt=f"Leads of {len(shown)} complete configurations with 95 % intervals; first {best}.",
        numbers=numbers,
        draw=partial(_draw, shown, searched),
        wide=HALF,
    )


def lead_rows(searched: Searched) -> list[Row]:
    """Return the complete trials but the recipe, the highest lead first."""
    leads = searched.judgement.lead
    rows = [(n, one.value, one.half or 0.0) for n, one in leads.items() if n != 0]
    return sorted(rows, key=lambda row: -row[1])


def _draw(rows: list[Row], searched: Searched, width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 74 + 27 * len(rows))
    axes.axvline(0, color=RECIPE, linewidth=1.6)
    for place, (number, lead, half) in enumerate(rows):
        colour = WINNER if number == searched.winner else OTHER
        x, spread = 100 * lead, 100 * half
        axes.plot([x - spread, x + spread], [place, place], color=colour, linewidth=3, alpha=0.55)
        dot = axes.scatter([x], [place], s=46, color=colour, zorder=3)
        tips.add(dot, [f"trial {number}: {x:+.1f} ±{spread:.1f} points"])
    _label(axes, rows, searched, width)
    return figure


def _label(axes: Axes, rows: list[Row], searched: Searched, width: int) -> None:
    names = [
        f"trial {n}" + (" (winner)" if n == searched.winner and width > NARROW else "")
        for n, *_ in rows
    ]
    axes.set_yticks(range(len(rows)), names, color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.text(0, -0.6, " recipe", color=RECIPE, ha="left", va="center")
    axes.set_xlabel(f"points of {searched.heading} more than the recipe", color=MUTED)
