"""What the table says, as Markdown: noise, rungs, quantities without masks, settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray

from benchmarks.toco_table.configurations import table_space
from benchmarks.toco_table.halving import TRIALS, Replayed, replay_all
from benchmarks.toco_table.response import Slice, draw, slices
from benchmarks.toco_table.statistics import (
    LEAST,
    Bounded,
    bootstrapped_mean,
    kendall,
    spearman,
    spread_within,
)
from benchmarks.toco_table.table import SIMILARITY, Row, read_rows
from platform.results.formats import NOTHING
from platform.results.text_tables import TextTable, to_markdown

Array: TypeAlias = NDArray[np.float64]

WITHOUT_MASKS: Mapping[str, Callable[[Row], float]] = {
    "F1": lambda row: row["f1"][-1],
    "agreement of both CAMs": lambda row: row["agreement"][-1],
    "1 - token similarity": lambda row: 1 - row[_last_block(row)][-1],
    "their mean (`--objective unsupervised`)": lambda row: (
        (row["f1"][-1] + row["agreement"][-1] + 1 - row[_last_block(row)][-1]) / 3
    ),
    "- classification loss": lambda row: -row["loss_cls"][-1],
    "- auxiliary classification loss": lambda row: -row["loss_cls_aux"][-1],
}


def analyse(path: Path, figure: Path | None = None) -> int:
    """Print what the table says.

    Args:
        path: of the table.
        figure: where to draw what each setting does; nowhere.

    Raises:
        ValueError: there is no training in it.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = [row for row in read_rows(path) if not row["failed"]]
    if not rows:
        raise ValueError(f"{path} has no training yet: run python -m benchmarks.toco_table")
    configurations = len({row["configuration"] for row in rows})
    print(f"{len(rows)} trainings of {configurations} configurations\n")
    tables = [noise_table(rows), rung_table(rows), blind_table(rows), settings_table(rows)]
    if configurations >= LEAST:
        found = slices(rows)
        tables.append(response_table(found))
        if figure:
            draw(rows, found, figure)
    if configurations > TRIALS:
        tables.append(halving_table(replay_all(rows)))
    print("\n\n".join(map(to_markdown, tables)))
    return 0


def noise_table(rows: Sequence[Row]) -> TextTable:
    """Return how much of the last scores is luck, in points of CAM mIoU."""
    ends = _by_configuration(rows, lambda row: row["miou"][-1])
    late = _by_configuration(rows, lambda row: float(np.mean(row["miou"][-2:])))
    steps = np.array([row["miou"][-1] - row["miou"][-2] for row in rows])
    means = np.array([group.mean() for group in ends])
    spreads = {
        "between seeds, last score": spread_within(ends),
        "between seeds, mean of the last two": spread_within(late),
        "from one score to the next at the end": _sd(steps) / np.sqrt(2),
        "between configurations, means over seeds": _sd(means),
    }
    return TextTable(
        title="Standard deviations",
        columns=("of", "points"),
        rows=[[name, _points(value)] for name, value in spreads.items()],
    )


def rung_table(rows: Sequence[Row]) -> TextTable:
    """Return how well the scores at each point rank the last ones."""
    points = rows[0]["iterations"]
    ends = np.array([row["miou"][-1] for row in rows])
    found = {
        f"{100 * at / points[-1]:.0f} %": kendall(np.array([r["miou"][k] for r in rows]), ends)
        for k, at in enumerate(points[:-1])
    }
    return _correlations("Kendall's tau of a rung's scores with the last ones", found)


def blind_table(rows: Sequence[Row]) -> TextTable:
    """Return how well quantities without masks rank configurations by CAM mIoU."""
    means = _means(rows, lambda row: row["miou"][-1])
    found = {name: spearman(_means(rows, get), means) for name, get in WITHOUT_MASKS.items()}
    return _correlations("Spearman's correlation with the CAM mIoU, means over seeds", found)


def settings_table(rows: Sequence[Row]) -> TextTable:
    """Return how each searched setting goes with the CAM mIoU."""
    means = _means(rows, lambda row: row["miou"][-1])
    keys = [one.key for one in table_space().space.parameters]
    found = {key: spearman(_means(rows, lambda row, k=key: row[k]), means) for key in keys}
    return _correlations("Spearman's correlation of a setting with the CAM mIoU", found)


def response_table(found: Sequence[Slice]) -> TextTable:
    """Return the best value of each setting, and how far it leads the recipe."""
    rows = [
        [
            one.axis.parameter.key,
            f"{one.best:.3g}",
            f"{100 * one.gain.value:+.1f} ±{100 * (one.gain.half or 0.0):.1f}",
        ]
        for one in found
    ]
    return TextTable(
        title="Where one setting alone leaves the recipe, by the model of learning curves",
        columns=("setting", "best value", "lead over the recipe, points"),
        rows=rows,
    )


def halving_table(replayed: Mapping[str, Sequence[Replayed]]) -> TextTable:
    """Return what sets of rungs save, and what the winner loses by them against no rung."""
    whole = np.array([one.worth for one in next(iter(replayed.values()))])
    rows = [
        [
            name,
            f"{100 * np.mean([one.trained for one in searches]):.0f} %",
            f"{100 * np.mean([one.worth for one in searches]):.1f}",
            _difference(np.array([one.worth for one in searches]) - whole),
        ]
        for name, searches in replayed.items()
    ]
    return TextTable(
        title=f"Rungs, in {len(whole)} random searches of {TRIALS} trials",
        columns=("rungs", "trained", "the winner's worth", "to no rung"),
        rows=rows,
    )


def _difference(values: Array) -> str:
    found = bootstrapped_mean(values)
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _correlations(title: str, found: Mapping[str, Bounded | None]) -> TextTable:
    cells = {name: _cells(one) for name, one in found.items()}
    rows = [[name, *texts] for name, texts in cells.items()]
    return TextTable(title=title, columns=("of", "correlation", "95 %"), rows=rows)


def _cells(found: Bounded | None) -> tuple[str, str]:
    if found is None:
        return NOTHING, "too few"
    return f"{found.value:+.2f}", f"{found.low:+.2f} to {found.high:+.2f}"


def _by_configuration(rows: Sequence[Row], get: Callable[[Row], float]) -> list[Array]:
    groups: defaultdict[int, list[float]] = defaultdict(list)
    for row in rows:
        groups[row["configuration"]].append(get(row))
    return [np.array(groups[number], float) for number in sorted(groups)]


def _means(rows: Sequence[Row], get: Callable[[Row], float]) -> Array:
    return np.array([group.mean() for group in _by_configuration(rows, get)])


def _sd(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _points(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{100 * value:.2f}"


def _last_block(row: Row) -> str:
    blocks = [name for name in row if name.startswith(SIMILARITY.split("{")[0])]
    return max(blocks)
