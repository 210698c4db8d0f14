"""The search as it went: every trial's score, what complete ones are worth, the best so far."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from platform.report.figures.drawing import Cell, Drawing, Numbers, Tips
from platform.report.figures.style import (
    DOT,
    FAILED,
    MUTED,
    OTHER,
    RECIPE,
    WINNER,
    canvas,
)
from platform.report.searched import Searched
from platform.results.trial_rows import TrialRow, best_of

_COLUMNS = ("trial", "state", "last score", "worth", "half of the 95 % interval", "best so far")


def history_figure(searched: Searched) -> Drawing:
    """Draw the scores by trial."""
    return Drawing(
        key="history",
        title="History of the search",
        caption="Hollow: the last score of a trial that was stopped early, at fewer iterations. "
        "Filled: of one that was trained to its end, with what its configuration is worth and the "
        "95 % interval. The line is the highest score so far, the band the recipe's worth.",
        alt=_alt(searched),
        numbers=Numbers(columns=_COLUMNS, rows=history_rows(searched), digits=4),
        draw=partial(_draw, searched),
    )


def history_rows(searched: Searched) -> list[tuple[Cell, ...]]:
    """Return the trials in their order; the best so far is that of complete ones."""
    worth = searched.judgement.worth
    rows: list[tuple[Cell, ...]] = []
    best: float | None = None
    for row in searched.trials:
        score = searched.last_score(row)
        best = best_of(best, score) if row.state == "complete" else best
        one = worth.get(row.number)
        rows.append((row.number, row.state, score, one and one.value, one and one.half, best))
    return rows


def _alt(searched: Searched) -> str:
    rows = [row for row in history_rows(searched) if row[5] is not None]
    end = f"the best last score rises to {100 * float(rows[-1][5] or 0):.1f}" if rows else "no end"
    trials = f"Scores of {len(searched.trials)} trials in their order"
    return f"{trials}; {end} per cent {searched.heading}."


def _draw(searched: Searched, width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 300)
    _draw_recipe(axes, searched)
    rows = history_rows(searched)
    known = [(row[0], 100 * float(row[5])) for row in rows if row[5] is not None]
    axes.step(*zip(*known, strict=True), where="post", color=MUTED, linewidth=1) if known else None
    for number, one in searched.judgement.worth.items():
        if one.half is not None:
            colour = WINNER if number == searched.winner else RECIPE if number == 0 else OTHER
            ends = [100 * (one.value - one.half), 100 * (one.value + one.half)]
            axes.plot([number] * 2, ends, color=colour, alpha=0.55, linewidth=2.2)
    _draw_scores(axes, searched, tips)
    axes.set_xlabel("trial")
    axes.set_ylabel(f"{searched.heading} on tune, %")
    axes.margins(x=0.02)
    return figure


def _draw_recipe(axes: Axes, searched: Searched) -> None:
    recipe = searched.judgement.worth.get(0)
    if recipe and recipe.half is not None:
        ends = 100 * (recipe.value - recipe.half), 100 * (recipe.value + recipe.half)
        axes.axhspan(*ends, color=RECIPE, alpha=0.12, linewidth=0)


def _draw_scores(axes: Axes, searched: Searched, tips: Tips) -> None:
    for state in ("pruned", "complete", "failed", "running", "scoring", "unfinished"):
        known = [(row, searched.last_score(row)) for row in searched.trials if row.state == state]
        rows = [(row, 100 * score) for row, score in known if score is not None]
        if not rows:
            continue
        colours = [_colour(row, searched.winner) for row, _ in rows]
        dots = axes.scatter(
            [row.number for row, _ in rows],
            [score for _, score in rows],
            s=DOT * 1.2,
            facecolors=colours if state == "complete" else "none",
            edgecolors=colours,
            linewidths=1.1,
            zorder=3,
        )
        tips.add(dots, [_tip(*one) for one in rows])


def _colour(row: TrialRow, winner: int | None) -> str:
    if row.number == winner:
        return WINNER
    return RECIPE if row.number == 0 else FAILED if row.state == "failed" else OTHER


def _tip(row: TrialRow, score: float) -> str:
    return f"trial {row.number}, {row.state} at {row.iteration}: {score:.1f}"
