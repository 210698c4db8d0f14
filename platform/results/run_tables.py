"""What a training run, or several of them, came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from platform.results.events import SCORE_FIELDS
from platform.results.formats import NOTHING, gain, percent
from platform.results.interval import mean_interval
from platform.results.text_tables import TextTable
from toco_core.data.ledger import MaskLedger


def score_table(rows: Sequence[Mapping[str, Any]], split: str) -> TextTable:
    """Return the scores of a run, as rows of `curves.parquet`."""
    shown = [field for field in SCORE_FIELDS if field.heading]
    return TextTable(
        title=f"CAM mIoU on {split} in %, at the best background threshold of each",
        columns=("iteration", *(field.heading for field in shown)),
        rows=[
            [str(row["iteration"]), *(field.text(row[field.name]) for field in shown)]
            for row in rows
        ],
        text_columns=0,
    )


def seed_table(last: Mapping[str, Mapping[str, Any]], split: str) -> TextTable:
    """Return the last score of each run by the run's name, and their mean."""
    shares = [field for field in SCORE_FIELDS if field.is_share]
    rows = [[name, *(percent(row[one.name]) for one in shares)] for name, row in last.items()]
    columns = [mean_interval([row[one.name] for row in last.values()]) for one in shares]
    rows.append(["mean", *(percent(column.mean) for column in columns)])
    widths = [gain(column.half_width).replace("+", "± ", 1) for column in columns]
    rows.append(["95 % interval", *widths])
    return TextTable(
        title=f"{len(last)} runs that differ in their seed, last scores on {split} in %",
        columns=("run", *(field.heading for field in shares)),
        rows=rows,
    )


def mask_table(ledger: MaskLedger) -> TextTable:
    """Return how many masks were opened, by split and purpose."""
    rows = [[use.split, use.purpose, str(count)] for use, count in ledger.counts.items()]
    rows = rows or [[NOTHING, NOTHING, "0"]]
    return TextTable(
        title="Masks opened", columns=("split", "for", "masks"), rows=rows, text_columns=2
    )
