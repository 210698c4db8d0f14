"""What each trial took: hours of training and of scoring."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from platform.report.figures.drawing import Drawing, Numbers, Tips
from platform.report.figures.style import INK, OTHER, WINNER, canvas
from platform.report.searched import Searched
from platform.results.formats import duration

_COLUMNS = ("trial", "state", "iterations", "training, s", "scoring, s", "from start to end, s")


def cost_figure(searched: Searched) -> Drawing:
    """Draw the time of each trial."""
    rows = [
        (
            row.number,
            row.state,
            row.iteration,
            row.totals["seconds_training"],
            row.totals["seconds_scoring"],
            None if row.ended is None else row.ended - row.started,
        )
        for row in searched.trials
    ]
    training = [row.totals["seconds_training"] for row in searched.trials]
    scoring = [row.totals["seconds_scoring"] for row in searched.trials]
    return Drawing(
        key="cost",
        title="What it took",
        caption=f"In all {duration(sum(training))} of training and {duration(sum(scoring))} of "
        "evaluation workers, which score while training goes on.",
        alt=f"Time of {len(rows)} trials, split into training and scoring.",
        numbers=Numbers(columns=_COLUMNS, rows=rows, digits=1),
        draw=partial(_draw, training, scoring),
    )


def time_unit(longest: float) -> tuple[str, float]:
    """Return the unit in which times up to so many seconds are shown, and its seconds."""
    return ("hours", 3600) if longest > 5400 else ("minutes", 60)


def _draw(training: list[float], scoring: list[float], width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, 240)
    longest = max(t + s for t, s in zip(training, scoring, strict=True))
    name, unit = time_unit(longest)
    x = np.arange(len(training))
    below = np.array(training) / unit
    above = below + np.array(scoring) / unit
    # Lines, not bars: of 500 trials bars would take seconds.
    thick = max(1.0, min(24.0, 0.62 * width / len(x)))
    axes.vlines(x, 0, below, color=WINNER, linewidth=thick, label="training")
    axes.vlines(x, below, above, color=OTHER, linewidth=thick, label="scoring")
    axes.set_ylim(0)
    axes.set_xlim(-0.6, len(x) - 0.4)
    axes.set_xlabel("trial")
    axes.set_ylabel(name)
    figure.legend(loc="outside upper right", ncols=2, labelcolor=INK)
    return figure
