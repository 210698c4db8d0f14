"""What lies beside the page: tables as CSV, LaTeX and Markdown, numbers of figures as CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from platform.report.figures.drawing import Numbers
from platform.results.text_tables import TextTable, to_markdown

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}
_SPECIAL = re.compile("|".join(map(re.escape, _LATEX)))


def write_numbers(numbers: Numbers, path: Path) -> None:
    """Write numbers as they are; an absent one is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(numbers.columns)
        writer.writerows(numbers.rows)


def write_table(numbers: Numbers, title: str, directory: Path, key: str) -> None:
    """Write a table as CSV, LaTeX and Markdown."""
    write_numbers(numbers, directory / f"{key}.csv")
    table = numbers.text_table(title)
    (directory / f"{key}.md").write_text(to_markdown(table) + "\n", "utf-8")
    (directory / f"{key}.tex").write_text(to_latex(table), "utf-8")


def to_latex(table: TextTable) -> str:
    """Return a table for a paper that uses booktabs."""
    left = table.text_columns
    columns = "l" * left + "r" * (len(table.columns) - left)
    body = [_line(row) for row in table.rows]
    return "\n".join(
        [
            f"% {table.title}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _line(table.columns),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    escaped = (_SPECIAL.sub(lambda match: _LATEX[match[0]], cell) for cell in cells)
    return " & ".join(escaped) + r" \\"
