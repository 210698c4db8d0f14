"""The table of a run's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
COLUMNS = {
    "step": ("backbone", "images", "way", "ms", "ms_each", "host_ms", "images_s", "MiB", "of_rate"),
    "training": ("images", "loaders", "precision", "ms", "median_ms", "images_s", "MiB"),
    "loader": ("loaders", "coloured", "images_s", "cpus"),
    "ranks": ("way", "images", "ms", "ms_each", "host_ms", "MiB"),
    "kernels": ("images", "launched", "busy_ms"),
    "kernel": ("images", "ms", "count", "name"),
}


def summarise(rows: Sequence[Row]) -> str:
    """Lay the figures out as tables, those of one kind together."""
    failed = [row for row in rows if "failed" in row]
    parts = ["failed: " + (_list(failed) if failed else "nothing")]
    known = [row for row in rows if "failed" not in row]
    for figure in dict.fromkeys(row["figure"] for row in known):
        chosen = [row for row in known if row["figure"] == figure]
        columns = COLUMNS.get(figure)
        parts.append(_table(figure, chosen, columns) if columns else _list(chosen))
    return "\n\n".join(parts) + "\n"


def _list(rows: Iterable[Row]) -> str:
    hidden = {"section", "figure"}
    return "\n".join(
        f"{row['figure']}: "
        + ", ".join(f"{k} {_cell(v)}" for k, v in row.items() if k not in hidden)
        for row in rows
    )


def _table(figure: str, rows: Sequence[Row], columns: Sequence[str]) -> str:
    cells = [list(columns)] + [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
    return "\n".join([figure, *(line.rstrip() for line in lines)])


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
