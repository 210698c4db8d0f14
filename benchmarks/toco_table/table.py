"""The table: a row for each training, in one small Parquet file that is whole at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from benchmarks.toco_table.training import LOSSES, Training
from platform.results.parquet_files import read_table, write_table
from platform.search.space.checked import Params

Row: TypeAlias = Mapping[str, Any]

_FLOATS = pa.list_(pa.float32())
# each with a value for every score
CURVES = ("miou", "aux_miou", "bkg", "aux_bkg", "f1", "agreement")
SIMILARITY = "similarity_{:02d}"  # mean cosine of patch tokens after a block
TIMES = ("seconds_training", "seconds_scoring")


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a table; none where there is no file."""
    table = read_table(path)
    return [] if table is None else table.to_pylist()


def write_rows(path: Path, rows: list[Row], keys: list[str], blocks: int) -> None:
    """Write a table of trainings of the settings `keys` and of a backbone of so many blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(pa.Table.from_pylist(list(rows), schema=_schema(keys, blocks)), path)


def _schema(keys: list[str], blocks: int) -> pa.Schema:
    lists = [*CURVES, *map(SIMILARITY.format, range(1, blocks + 1)), *map(_loss, LOSSES), *TIMES]
    return pa.schema(
        [
            pa.field("configuration", pa.int32(), nullable=False),
            pa.field("seed", pa.int32(), nullable=False),
            *(pa.field(key, pa.float64(), nullable=False) for key in keys),
            pa.field("iterations", pa.list_(pa.int32()), nullable=False),
            *(pa.field(name, _FLOATS, nullable=False) for name in lists),
            pa.field("class_iou", _FLOATS, nullable=False),  # at the end, background first
            pa.field("failed", pa.string(), nullable=False),
        ]
    )


def _loss(name: str) -> str:
    return f"loss_{name}"


def make_row(configuration: int, seed: int, params: Params, training: Training) -> Row:
    """Return the row of a training."""
    scores = training.scores
    similarity = zip(*(one.token_similarity for one in scores), strict=True)
    last = scores[-1] if scores else None
    return {
        "configuration": configuration,
        "seed": seed,
        **params,
        "iterations": training.iterations,
        **{name: [getattr(one, name) for one in scores] for name in CURVES},
        **{SIMILARITY.format(k): list(block) for k, block in enumerate(similarity, start=1)},
        **{_loss(name): [means[name] for means in training.losses] for name in LOSSES},
        **{name: getattr(training, name) for name in TIMES},
        "class_iou": last.final.class_iou(last.bkg).tolist() if last else [],
        "failed": training.failed,
    }
