"""`python -m platform.confirm`, from its options to its verdict."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from platform.command_line import drawing_progress
from platform.confirm.options import ConfirmOptions
from platform.mirror.files import working_directory
from platform.mirror.work import work_in_stores
from platform.results.progress import print_line
from platform.search.confirmation.command import Confirmation, confirm
from platform.search.opened import open_search
from platform.search.report_writing import ReportWriter
from toco_core.remote_path import RemotePath


def run_confirmation(options: ConfirmOptions) -> int:
    """Run or resume a confirmation; return the exit status of the command.

    Raises:
        ValueError: there is no such search, nothing to confirm, or the machines cannot hold a run.
        ConnectionError: there is no Ray cluster at the address.
    """
    console, place = Console(), options.search
    if isinstance(place, Path):
        return _confirm(place, None, options, console)

    def confirm_there(stores: list[RemotePath]) -> int:
        return _confirm(working_directory(place), stores[0], options, console)

    return work_in_stores([place], "search", partial(print_line, console), confirm_there)


def _confirm(
    directory: Path, store: RemotePath | None, options: ConfirmOptions, console: Console
) -> int:
    """Confirm the search of a directory, which is kept in a store or there."""
    with drawing_progress(console) as progress:
        search = open_search(directory, study=options.study, data=options.data, progress=progress)
    asked = Confirmation(
        top=options.top,
        seeds=options.seeds,
        name=options.name,
        hours=options.hours,
        gpu_hours=options.gpu_hours,
        resources=options.resources,
    )
    kept = replace(search, setup=replace(search.setup, store=store))
    status = confirm(kept, asked, console)
    if not status:
        ReportWriter(directory, options.study, console).write()
    return status
