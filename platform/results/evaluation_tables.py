"""What the evaluation of a checkpoint shows: IoU by class, and mIoU by background threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from platform.results.formats import percent, threshold
from platform.results.text_tables import TextTable

EIGHTHS = " ▁▂▃▄▅▆▇█"


def class_table(
    class_names: Sequence[str],
    values_by_class: Mapping[str, Sequence[float]],
    title: str = "IoU by class, %",
    shown: Callable[[float | None], str] = percent,
) -> TextTable:
    """Return a number of each class, such as its IoU, and their mean.

    Args:
        class_names: C + 1 names, background first.
        values_by_class: (C + 1,) by heading; NaN for an absent class, which does not count.
        title: of the table.
        shown: formats a number; by default one in 0..1, in percent.

    Raises:
        ValueError: If there are not as many names as numbers.
    """
    for values in values_by_class.values():
        if len(class_names) != len(values):
            raise ValueError(f"{len(class_names)} class names for {len(values)} values")
    named = zip(class_names, *values_by_class.values(), strict=True)
    rows = [[name, *map(shown, values)] for name, *values in named]
    rows.append(["mean", *(shown(_mean(values)) for values in values_by_class.values())])
    return TextTable(title=title, columns=("class", *values_by_class), rows=rows)


def _mean(values: Sequence[float]) -> float | None:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else None


def similarity_table(token_similarity: Sequence[float]) -> TextTable:
    """Return the mean cosine of the patch tokens after each block; near 1 they are all alike."""
    rows = [[str(block), f"{value:.3f}"] for block, value in enumerate(token_similarity, start=1)]
    return TextTable(
        title="Similarity of patch tokens", columns=("block", "mean cosine of all pairs"), rows=rows
    )


def threshold_plot(curve: Sequence[float], width: int = 60, height: int = 8) -> str:
    """Plot mIoU over the background threshold as text.

    Args:
        curve: mIoU, 0..1, at thresholds evenly spaced from 0 to 1.
        width: of the plot without its axis, characters.
        height: of the plot without its axis, lines.

    Returns:
        The lines, with the value of the optimum below them.

    Raises:
        ValueError: If the curve has fewer than two points, or one of them is not finite.
    """
    if len(curve) < 2 or not all(map(math.isfinite, curve)):
        raise ValueError(f"a threshold curve is two or more finite numbers, not {list(curve)}")
    last = len(curve) - 1
    values = [curve[round(column * last / (width - 1))] for column in range(width)]
    top = max(curve)
    levels = [round(8 * height * value / top) if top > 0 else 0 for value in values]
    lines = [_plot_line(levels, row, top, height) for row in reversed(range(height))]
    middle = "0.5".center(width - 2)
    best = max(range(len(curve)), key=curve.__getitem__)
    optimum = f"best CAM mIoU {percent(top)} at the threshold {threshold(best / last)}"
    return "\n".join([*lines, f"{'':6}0{middle}1", f"{'':6}{optimum}"])


def _plot_line(levels: Sequence[int], row: int, top: float, height: int) -> str:
    """Return one line of the plot; row 0 is the lowest, a level is an eighth of a line."""
    label = percent(top) if row == height - 1 else percent(0.0) if row == 0 else ""
    bars = "".join(EIGHTHS[min(max(level - 8 * row, 0), 8)] for level in levels)
    return f"{label:>5} {bars}".rstrip()
