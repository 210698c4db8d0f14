"""`python -m platform.export`, from its options to its files."""

from __future__ import annotations

from rich.console import Console

from platform.command_line import drawing_progress
from platform.evaluate.network import read_network
from platform.export.mmseg import write_mmseg
from platform.export.options import ExportOptions
from platform.export.setup import ExportSetup, check_export
from platform.results.progress import print_line
from platform.workers.start import check_workers, run_with_progress, start_executor
from toco_core.settings import Recipe


def run_export(options: ExportOptions, official: Recipe | None = None) -> int:
    """Write the files that are not there yet; return the exit status.

    Args:
        options: what to write, and where.
        official: the recipe of an official checkpoint, as `check_options` returns it.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ArithmeticError: the CAMs of the checkpoint are not finite.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    network = read_network(options.checkpoint, official)
    check_workers(options.workers)
    with drawing_progress(console) as progress:
        setup = check_export(network, options, progress)
    log_file = setup.output.absolute() / "ray.log"
    with start_executor(options.workers, log_file, console) as executor:
        description = f"exporting {' and '.join(setup.request.kinds)} of {options.split}"
        export = run_with_progress(setup.request, executor, console, description)
    if options.format == "mmseg":
        write_mmseg(setup.request.layout, setup.info, setup.names, setup.recipe.data.crop_size)
    print_line(console, network.head_warning if options.source == "seg" else None)
    print_line(console, _threshold_line(setup))
    there = f", {export.found} there already" if export.found else ""
    print_line(
        console, f"{setup.output}: {export.written} images written{there}; no mask was opened"
    )
    return 0


def _threshold_line(setup: ExportSetup) -> str | None:
    """Say which threshold made the labels; nothing where none did."""
    request = setup.request
    if setup.threshold is None or not {"labels", "overlays"} & set(request.kinds):
        return None
    if request.bkg is None:
        value = f"{request.low:g} and {request.high:g}"
        return f"background up to the first, uncertain up to the second threshold: {value}"
    return f"background threshold {request.bkg:g}, {setup.threshold}"
