"""The options of a report. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from platform.option_types import PLACE
from toco_core.remote_path import Place


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Write what a search found as one page, report.html, which opens from disk without network.

    Its figures lie beside it as SVG, PNG and CSV, its tables as CSV, LaTeX and Markdown. Of several
    searches, one page sets them side by side.
    """

    searches: Annotated[Positional[tuple[Annotated[Place, PLACE], ...]], arg(metavar="SEARCH")] = ()
    """Directories of searches, such as reports/partscenes or s3://bucket/reports/partscenes; of one
    that runs, what there is so far."""
    list: Annotated[Path | None, arg(metavar="DIRECTORY")] = None
    """Write nothing: list the searches in a directory."""
    output: Path | None = None
    """Where the page goes; by default report.html in the search's directory, and of several
    searches comparison.html in the working directory."""
    study: Annotated[str | None, arg(metavar="URL")] = None
    """Optuna storage URL of the search, if it was given one; by default the journal file in its
    directory."""
