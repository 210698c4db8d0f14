"""`python -m platform.report`, from its options to its page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from platform.command_line import shown_path
from platform.report.comparison import write_comparison
from platform.report.listing import list_searches
from platform.report.options import ReportOptions
from platform.report.page import FILES_DIRECTORY, PAGE_FILE, write_page
from platform.report.searched import read_search
from platform.report.verdict import verdict

COMPARISON_FILE = "comparison.html"


def run_report(options: ReportOptions) -> int:
    """Write what was asked for, and say where it is; return the exit status.

    Raises:
        ValueError: a directory is not that of a search, or nothing has begun there.
    """
    console = Console()
    if options.list is not None:
        return list_searches(options.list, console)
    searches = [read_search(one, options.study) for one in options.searches]
    if len(searches) > 1:
        path = options.output or Path(COMPARISON_FILE)
        write_comparison(searches, path.absolute())
    else:
        path = options.output or searches[0].directory / PAGE_FILE
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_page(searches[0], path.absolute())
        console.print(verdict(searches[0]).answer, highlight=False, soft_wrap=True)
    console.print(f"report: {shown_path(path.absolute())}", highlight=False, soft_wrap=True)
    if len(searches) == 1:
        beside = path.absolute().parent / FILES_DIRECTORY
        text = f"its figures and tables, for papers: {shown_path(beside)}"
        console.print(text, highlight=False, soft_wrap=True, style="dim")
    return 0
