"""`python -m platform.compare`, from its options to its tables."""

from __future__ import annotations

from rich.console import Console

from platform.compare.options import CompareOptions
from platform.compare.reading import read_result
from platform.compare.tables import comparison_tables, headline
from platform.results.progress import print_line
from platform.results.text_tables import to_rich


def run_comparison(options: CompareOptions) -> int:
    """Print in what results differ; return the exit status of the command.

    Raises:
        ValueError: one of them is no result, or has no score yet.
    """
    results = [read_result(path) for path in options.results]
    console = Console()
    print_line(console, headline(results))
    for table in comparison_tables(results):
        console.print()
        console.print(to_rich(table))
    return 0
