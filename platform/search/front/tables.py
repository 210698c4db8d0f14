"""The front of several objectives for people and for programs, with the recipe beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from platform.results.objectives import Objective
from platform.results.parameters import short_names, value_text
from platform.results.text_tables import TextTable
from platform.results.trial_rows import TrialRow
from platform.search.findings import points
from platform.search.front.judged import Front
from toco_core.files import replacing

FRONT_FILE = "front.parquet"


def front_findings(front: Front, objective: Objective, winner: int) -> list[str]:
    """Say which trials are on the front, which of them was taken, and how to take another."""
    names = ", ".join(map(str, sorted(front.numbers)))
    is_first = winner == front.numbers[0]
    why = f"the highest {objective.heading}" if is_first else "picked by --pick"
    return [
        f"On the front, where no trial is better in every respect: {names}.",
        f"best.yaml and best.pt hold trial {winner} ({why}); the same command with --pick NUMBER "
        "takes another of them.",
    ]


def front_table(
    front: Front, objective: Objective, trials: Mapping[int, TrialRow], winner: int
) -> TextTable:
    """Return the trials of the front and the recipe (trial 0), with what they are worth.

    One that was picked is among them, also when the search has gone on and found a better one.
    """
    beside = [n for n in sorted({winner, 0}) if n in front.worth and n not in front.numbers]
    shown = [*front.numbers, *beside]
    keys = list(dict.fromkeys(key for number in shown for key in trials[number].params))
    names = short_names(keys)
    rows = [
        [
            str(number),
            _role(number, front, winner),
            *(points(one, "") for one in front.worth[number]),
            *(value_text(trials[number].params.get(key)) for key in keys),
        ]
        for number in shown
    ]
    headings = [one.heading for one in objective.parts]
    return TextTable(
        title=f"The front: {' and '.join(headings)} by all scores, in %, ± 95 %",
        columns=("trial", "", *headings, *(names[key] for key in keys)),
        rows=rows,
        text_columns=2,
    )


def _role(number: int, front: Front, winner: int) -> str:
    said = {
        "recipe": number == 0,
        "taken": number == winner,
        "not on it": number not in front.numbers,
    }
    return ", ".join(word for word, is_so in said.items() if is_so)


def write_front(
    directory: Path, front: Front, objective: Objective, scores: Mapping[int, Sequence[float]]
) -> None:
    """Write a row for each complete trial: by each objective its last score and worth, 0..1.

    Args:
        directory: of the search.
        front: as judged.
        objective: what was maximised.
        scores: the last ones of each complete trial, by each objective.
    """
    names = [one.name.partition(",")[0] for one in objective.parts]
    rows: list[dict[str, Any]] = []
    for number, worth in front.worth.items():
        row: dict[str, Any] = {"number": number, "on_front": number in front.numbers}
        for name, score, one in zip(names, scores[number], worth, strict=True):
            row |= {name: score, f"{name}_worth": one.value, f"{name}_interval": one.half}
        rows.append(row)
    numbers = [f"{name}{what}" for name in names for what in ("", "_worth", "_interval")]
    fields = [pa.field("number", pa.int64()), pa.field("on_front", pa.bool_())]
    schema = pa.schema([*fields, *(pa.field(name, pa.float64()) for name in numbers)])
    with replacing(directory / FRONT_FILE) as unfinished:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), unfinished)
