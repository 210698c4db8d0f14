"""`python -m platform.report`, from its options to its page."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from platform.command_line import shown_path
from platform.mirror.reading import put_there, read_here
from platform.report.comparison import write_comparison
from platform.report.listing import list_searches
from platform.report.options import ReportOptions
from platform.report.page import FILES_DIRECTORY, PAGE_FILE, write_page
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.report.verdict import verdict
from toco_core.remote_path import RemotePath

COMPARISON_FILE = "comparison.html"


def run_report(options: ReportOptions) -> int:
    """Write what was asked for, and say where it is; return the exit status.

    Raises:
        ValueError: a directory is not that of a search, or nothing has begun there.
    """
    console = Console()
    if options.list is not None:
        return list_searches(options.list, console)
    with ExitStack() as stack:
        directories = [stack.enter_context(read_here(place)) for place in options.searches]
        searches = [read_search(one, options.study) for one in directories]
        if len(searches) > 1:
            path = (options.output or Path(COMPARISON_FILE)).absolute()
            write_comparison(searches, path)
            _print(console, f"report: {shown_path(path)}")
        else:
            _write_one(searches[0], options, console)
    return 0


def _write_one(searched: Searched, options: ReportOptions, console: Console) -> None:
    path = (options.output or searched.directory / PAGE_FILE).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(searched, path)
    _print(console, verdict(searched).answer)
    (place,) = options.searches
    if isinstance(place, RemotePath) and options.output is None:
        put_there(path.parent, [PAGE_FILE, FILES_DIRECTORY], place)
        page, files = place / PAGE_FILE, place / FILES_DIRECTORY
    else:
        page, files = shown_path(path), shown_path(path.parent / FILES_DIRECTORY)
    _print(console, f"report: {page}")
    _print(console, f"its figures and tables, for papers: {files}", style="dim")


def _print(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, highlight=False, soft_wrap=True, style=style)
