"""`python -m platform.compare`, from its options to its tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from platform.command_line import shown_path
from platform.compare.options import CompareOptions
from platform.compare.reading import read_result
from platform.compare.result import Result
from platform.compare.tables import comparison_tables, headline
from platform.mirror.reading import read_here
from platform.results.progress import print_line
from platform.results.text_tables import to_rich
from toco_core.remote_path import Place


def run_comparison(options: CompareOptions) -> int:
    """Print in what results differ; return the exit status of the command.

    Raises:
        ValueError: one of them is no result, or has no score yet.
    """
    results = [_read(place) for place in options.results]
    console = Console()
    print_line(console, headline(results))
    for table in comparison_tables(results):
        console.print()
        console.print(to_rich(table))
    return 0


def _read(place: Place) -> Result:
    with read_here(place) as directory:
        result = read_result(directory)
        name = result.name.replace(shown_path(directory), str(place))
        return result if isinstance(place, Path) else replace(result, name=name)
