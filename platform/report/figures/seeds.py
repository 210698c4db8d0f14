"""The confirmation as a picture: the score of every seed, configuration beside configuration."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from platform.report.figures.drawing import Cell, Drawing, Numbers, Tips
from platform.report.figures.style import INK, MUTED, OTHER, RECIPE, WINNER, canvas
from platform.report.searched import Searched
from platform.results.formats import percent
from platform.results.objectives import find_objective
from platform.search.confirmation.confirmed import Confirmed
from platform.search.setup import REPORT_SPLIT


def seeds_figure(searched: Searched) -> Drawing | None:
    """Draw the scores of a confirmation, a line for each seed; None where there is none."""
    found = searched.confirmation
    shown = [one for one in found.configurations if one.scores] if found else []
    if found is None or len(shown) < 2:
        return None
    what = find_objective(found.objective).heading
    means = ", ".join(f"{one.name} {percent(one.mean or 0)}" for one in shown)
    return Drawing(
        key="seeds",
        title="Equal fresh seeds",
        caption=f"{what} on {REPORT_SPLIT} in %. A dot is one training, a thin line joins those of "
        "one seed, a bar is the mean with its 95 % interval.",
        alt=f"{what} of {len(shown)} configurations on {len(found.seeds)} seeds; means: {means}.",
        numbers=_numbers(shown),
        draw=partial(_draw, shown, searched.winner, what),
    )


def _numbers(shown: Sequence[Confirmed]) -> Numbers:
    rows: list[tuple[Cell, ...]] = [
        (one.name, seed, score) for one in shown for seed, score in one.scores.items()
    ]
    return Numbers(columns=("configuration", "seed", "score"), rows=rows, digits=4)


def _draw(
    shown: Sequence[Confirmed], winner: int | None, what: str, width: int, tips: Tips
) -> Figure:
    figure, axes = canvas(width, 260)
    _join_seeds(axes, shown)
    for place, one in enumerate(shown):
        colour = RECIPE if one.trial == 0 else WINNER if one.trial == winner else OTHER
        values = [100 * score for score in one.scores.values()]
        dots = axes.scatter([place] * len(values), values, s=30, color=colour, zorder=3)
        tips.add(dots, [f"{one.name}, seed {seed}: {percent(s)}" for seed, s in one.scores.items()])
        _mark_mean(axes, place + 0.18, one, colour)
    axes.set_xticks(range(len(shown)), [one.name for one in shown], color=INK)
    axes.set_xlim(-0.5, len(shown) - 0.4)
    axes.tick_params(length=0)
    axes.set_ylabel(f"{what}, %", color=MUTED)
    return figure


def _join_seeds(axes: Axes, shown: Sequence[Confirmed]) -> None:
    for seed in {seed for one in shown for seed in one.scores}:
        points = [(i, 100 * one.scores[seed]) for i, one in enumerate(shown) if seed in one.scores]
        axes.plot(*zip(*points, strict=True), color=OTHER, linewidth=0.8, alpha=0.6)


def _mark_mean(axes: Axes, place: float, one: Confirmed, colour: str) -> None:
    if one.mean is not None:
        half = 100 * (one.half_width or 0.0)
        mean = 100 * one.mean
        axes.plot([place, place], [mean - half, mean + half], color=colour, linewidth=3, alpha=0.5)
        axes.plot([place - 0.07, place + 0.07], [mean, mean], color=colour, linewidth=2.4)
