"""What a training run, or several of them, came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from platform.results.formats import NOTHING, duration, gain, percent, threshold
from platform.results.interval import mean_interval
from platform.results.text_tables import Grid


def score_table(rows: Sequence[Mapping[str, Any]], split: str) -> Grid:
    """Return the scores of a run, as rows of `curves.parquet`."""
    return Grid(
        title=f"CAM mIoU on {split} in %, at the best background threshold of each",
        columns=("iteration", "CAM mIoU", "bkg", "aux", "aux bkg", "F1", "training", "scoring"),
        rows=[_score_cells(row) for row in rows],
        words=0,
    )


def _score_cells(row: Mapping[str, Any]) -> list[str]:
    return [
        str(row["iteration"]),
        percent(row["score"]),
        threshold(row["bkg"]),
        percent(row["aux_score"]),
        threshold(row["aux_bkg"]),
        percent(row["f1"]),
        duration(row["seconds_training"]),
        duration(row["seconds_scoring"]),
    ]


def seed_table(last: Mapping[str, Mapping[str, Any]], split: str) -> Grid:
    """Return the last score of each run by the run's name, and their mean."""
    keys = ("score", "aux_score", "f1")
    rows = [[name, *(percent(row[key]) for key in keys)] for name, row in last.items()]
    columns = [mean_interval([row[key] for row in last.values()]) for key in keys]
    rows.append(["mean", *(percent(column.mean) for column in columns)])
    widths = [gain(column.half_width).replace("+", "± ", 1) for column in columns]
    rows.append(["95 % interval", *widths])
    return Grid(
        title=f"{len(last)} runs that differ in their seed, last scores on {split} in %",
        columns=("run", "CAM mIoU", "aux", "F1"),
        rows=rows,
    )


def mask_table(masks: Mapping[str, Mapping[str, int]]) -> Grid:
    """Return how many masks were opened, by split and purpose."""
    rows = [
        [split, purpose, str(count)]
        for split, purposes in masks.items()
        for purpose, count in purposes.items()
    ]
    rows = rows or [[NOTHING, NOTHING, "0"]]
    return Grid(title="Masks opened", columns=("split", "for", "masks"), rows=rows, words=2)
