"""`python -m platform.confirm`, from its options to its verdict."""

from __future__ import annotations

from rich.console import Console

from platform.command_line import drawing_progress
from platform.confirm.options import ConfirmOptions
from platform.search.confirmation.command import Confirmation, confirm
from platform.search.opened import open_search
from platform.search.report_writing import ReportWriter


def run_confirmation(options: ConfirmOptions) -> int:
    """Run or resume a confirmation; return the exit status of the command.

    Raises:
        ValueError: there is no such search, nothing to confirm, or the machines cannot hold a run.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    with drawing_progress(console) as progress:
        search = open_search(
            options.search, study=options.study, data=options.data, progress=progress
        )
    asked = Confirmation(
        top=options.top,
        seeds=options.seeds,
        name=options.name,
        hours=options.hours,
        gpu_hours=options.gpu_hours,
        resources=options.resources,
    )
    status = confirm(search, asked, console)
    if not status:
        ReportWriter(search.setup.directory, options.study, console).write()
    return status
