"""What can be said of a report from its options alone, in a moment."""

from __future__ import annotations

import os
from pathlib import Path

from platform.command_line import require_local
from platform.report.options import ReportOptions


def check_options(options: ReportOptions) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: names the option or the directory, and the way out.
    """
    if options.list is not None:
        if options.searches:
            raise ValueError("--list lists searches and writes no report: leave out the others")
        _check_directory(options.list)
    elif not options.searches:
        raise ValueError("name the directory of a search, such as reports/partscenes, or --list")
    if options.study is not None and len(options.searches) != 1:
        raise ValueError("--study is of one search: name one directory")
    if options.output is not None:
        require_local(output=options.output)
    for directory in options.searches:
        if isinstance(directory, Path):
            _check_directory(directory)


def _check_directory(path: Path) -> None:
    if not os.path.isdir(path):  # of any name: Path.is_dir fails on one that is too long
        raise ValueError(f"there is no directory {path}")
