"""`python -m platform.confirm`, from its options to its verdict."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from platform.command_line import FAILED, drawing_progress
from platform.confirm.options import ConfirmOptions
from platform.lock import only_one
from platform.mirror.files import working_directory
from platform.mirror.session import mirrored
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
    directory = working_directory(place)
    directory.mkdir(parents=True, exist_ok=True)
    with only_one(directory):
        with mirrored(directory, place, partial(print_line, console)) as mirror:
            status = _confirm(directory, mirror.store, options, console)
        print_line(console, f"the search is kept in {place}")
        return status if mirror.is_complete else status or FAILED


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
