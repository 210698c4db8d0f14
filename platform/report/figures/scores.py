"""What stands behind a score of winner and recipe: the threshold, the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import INK, OTHER, RECIPE, WINNER, canvas
from platform.report.searched import ScoreRow, Searched

COLOURS = {"winner": WINNER, "recipe": RECIPE}


def last_scores(searched: Searched) -> dict[str, ScoreRow]:
    """Return the last score of recipe and winner, where the table has one."""
    found = searched.contenders()
    return {name: searched.scores[n][-1] for name, n in found.items() if searched.scores.get(n)}


def threshold_figure(searched: Searched) -> Drawing | None:
    """Draw CAM mIoU over the background threshold; None where no mask was opened."""
    last = last_scores(searched)
    if not last or not searched.objective.needs_masks:
        return None
    curves = {name: row["curve"] for name, row in last.items()}
    count = len(next(iter(curves.values())))
    rows = [(i / (count - 1), *(curve[i] for curve in curves.values())) for i in range(count)]
    best = ", ".join(f"{name} {row['bkg']:.2f}" for name, row in last.items())
    return Drawing(
        key="thresholds",
        title="The background threshold",
        caption=f"CAM mIoU on tune at each background threshold, last scores; the best: {best}. "
        "A flat top means that the threshold hardly matters.",
        alt=f"CAM mIoU over the background threshold; best at {best}.",
        numbers=Numbers(columns=("threshold", *curves), rows=rows, digits=4),
        draw=partial(_draw_thresholds, last),
    )


def _draw_thresholds(last: Mapping[str, ScoreRow], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 270)
    for name, row in last.items():
        x = np.linspace(0, 1, len(row["curve"]))
        axes.plot(x, 100 * np.array(row["curve"]), color=COLOURS[name], linewidth=2)
        dot = axes.scatter([row["bkg"]], [100 * row["score"]], s=40, color=COLOURS[name], zorder=3)
        tips.add(dot, [f"{name}: {100 * row['score']:.1f} at {row['bkg']:.2f}"])
        axes.plot([], [], color=COLOURS[name], linewidth=2, label=name)
    axes.set_xlabel("background threshold")
    axes.set_ylabel("CAM mIoU on tune, %")
    axes.set_xlim(0, 1)
    axes.legend(labelcolor=INK)
    return figure


def class_figure(searched: Searched) -> Drawing | None:
    """Draw the IoU of each class; the order is that of the gain, or of the only values."""
    last = last_scores(searched)
    names = searched.class_names
    if not last or not searched.objective.needs_masks:
        return None
    if any(len(row["class_iou"]) != len(names) for row in last.values()):
        return None
    values = [[row["class_iou"][i] for row in last.values()] for i in range(len(names))]
    order = sorted(range(len(names)), key=lambda i: _rank(values[i]))
    rows = [(names[i], *values[i]) for i in order]
    return Drawing(
        key="class_iou",
        title="IoU by class",
        caption="Last scores on tune at the best threshold of each; classes that gain most first.",
        alt=f"IoU of {len(names)} classes for {' and '.join(last)}.",
        numbers=Numbers(columns=("class", *last), rows=rows, digits=4),
        draw=partial(_draw_classes, rows, list(last)),
    )


def _rank(values: Sequence[float]) -> float:
    known = [-1.0 if np.isnan(value) else value for value in values]
    return known[0] - known[-1] if len(known) > 1 else -known[0]


def _draw_classes(rows: list[tuple], names: list[str], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 76 + 19 * len(rows))
    places = np.arange(len(rows))
    values = np.array([row[1:] for row in rows], float) * 100  # (classes, contenders)
    if values.shape[1] > 1:
        axes.hlines(places, values.min(1), values.max(1), color=OTHER, alpha=0.5, linewidth=2)
    for column, name in enumerate(names):
        dots = axes.scatter(
            values[:, column], places, s=36, color=COLOURS[name], zorder=3, label=name
        )
        if not np.isnan(values[:, column]).any():
            tips.add(dots, [f"{r[0]}, {name}: {100 * r[column + 1]:.1f}" for r in rows])
    axes.set_yticks(places, [str(row[0]) for row in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("IoU, %")
    figure.legend(loc="outside upper right", ncols=2, labelcolor=INK)
    return figure
