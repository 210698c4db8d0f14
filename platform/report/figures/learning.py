"""Every learning curve, and where trials were stopped."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import MUTED, OTHER, RECIPE, RULE, WINNER, canvas
from platform.report.rungs import rungs
from platform.report.searched import Searched


def learning_figure(searched: Searched) -> Drawing:
    """Draw the scores of all trials over their iterations."""
    rows = [
        (number, row["iteration"], searched.score_of(row))
        for number, curve in searched.scores.items()
        for row in curve
    ]
    stops = ", ".join(str(one.iteration) for one in rungs(searched))
    return Drawing(
        key="learning_curves",
        title="Learning curves",
        caption="Each line is a trial; faint ones were stopped early."
        + (f" Dashed: iterations at which trials were stopped ({stops})." if stops else ""),
        alt=f"{searched.heading} over iterations of {len(searched.scores)} trials; winner and "
        "recipe marked.",
        numbers=Numbers(columns=("trial", "iteration", searched.heading), rows=rows, digits=4),
        draw=partial(_draw, searched),
    )


def _draw(searched: Searched, width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 320)
    for one in rungs(searched):
        axes.axvline(one.iteration, color=RULE, linestyle=(0, (4, 3)), linewidth=1)
    marked = {number: name for name, number in searched.contenders().items()}
    for number in searched.scores:
        if number not in marked:
            is_complete = searched.rows[number].state == "complete"
            _line(axes, searched, number, OTHER, 0.9 if is_complete else 0.4, tips)
    for number, name in marked.items():
        colour = WINNER if name == "winner" else RECIPE
        x, y = _line(axes, searched, number, colour, 1.0, tips)
        axes.annotate(
            name, (x, y), xytext=(5, 0), textcoords="offset points", color=colour, va="center"
        )
    axes.set_xlabel("iteration")
    axes.set_ylabel(f"{searched.heading} on tune, %")
    axes.set_xlim(0, searched.recipe.iterations * 1.12)
    axes.tick_params(labelcolor=MUTED)
    return figure


def _line(
    axes: Axes, searched: Searched, number: int, colour: str, alpha: float, tips: Tips
) -> tuple[float, float]:
    rows = searched.scores[number]
    x, y = [row["iteration"] for row in rows], [100 * searched.score_of(row) for row in rows]
    is_marked = alpha == 1.0
    (line,) = axes.plot(
        x,
        y,
        color=colour,
        alpha=alpha,
        linewidth=2.2 if is_marked else 1,
        marker="o",
        markersize=3.4 if is_marked else 2,
    )
    tips.add(line, [f"trial {number}, {searched.rows[number].state}: {y[-1]:.1f}"])
    return x[-1], y[-1]
