"""How figures look: one colour for each role, which a page may change to its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Each is written nowhere else in a figure, so that a page finds it and puts its own in its place.
INK, MUTED, RULE = "#1d1d1b", "#65645f", "#dedbd3"
WINNER, RECIPE, OTHER, FAILED = "#0e6a68", "#a04e0c", "#8b8f96", "#b3261f"
PAPER = "#fffefc"
ROLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    WINNER: "winner",
    RECIPE: "recipe",
    OTHER: "other",
    FAILED: "failed",
    PAPER: "paper",
}
SCALE = "viridis"  # of what is worth how much: legible on light and on dark ground
WIDE, HALF, NARROW = 680, 540, 340  # px: of a page's column, of half of it, of a phone's
TEXT = 11.5  # px
_PX = 72  # an SVG of matplotlib has 72 units an inch
DOT = 26  # px²

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": TEXT,
    "axes.labelsize": TEXT,
    "axes.titlesize": TEXT + 0.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": TEXT - 0.5,
    "ytick.labelsize": TEXT - 0.5,
    "text.color": INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": TEXT - 0.5,
    "path.simplify": True,
    "axes.unicode_minus": True,
}


@contextmanager
def styled(salt: str) -> Iterator[None]:
    """Draw and save in this style; what a figure names inside is the same in every run."""
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": salt}):
        yield


def canvas(width: int, height: int) -> tuple[Figure, Axes]:
    """Return an empty figure of a size in px, with its axes."""
    figure = empty(width, height)
    return figure, figure.add_subplot()


def panels(width: int, count: int, height: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels in rows; on a phone they stand below each other.

    Args:
        width: of the whole, px.
        count: of the panels.
        height: of one, px.
        columns: on a wide page.
    """
    across = max(1, min(columns if width > NARROW else 1, count))
    down = -(-count // across)
    figure = empty(width, height * down)
    return figure, [figure.add_subplot(down, across, place + 1) for place in range(count)]


def empty(width: int, height: int) -> Figure:
    """Return a figure of a size in px."""
    return Figure(figsize=(width / _PX, height / _PX), layout="constrained")
