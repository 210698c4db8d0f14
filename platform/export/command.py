"""`python -m platform.export`, from its options to its files."""

from __future__ import annotations

from rich.console import Console

from platform.command_line import drawing_progress
from platform.evaluate.network import read_network
from platform.export.options import ExportOptions
from platform.export.setup import check_export
from platform.results.progress import print_line
from platform.workers.executor import carry_out
from platform.workers.start import check_workers, crew
from toco_core.scoring.cam_score import chunks
from toco_core.scoring.segmentation_score import CHUNK_IMAGES
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
    with crew(options.workers, setup.output.absolute() / "ray.log", console) as workers:
        pieces = chunks(setup.images, CHUNK_IMAGES)
        words = f"exporting {' and '.join(options.kinds)} of {options.split}"
        parts = carry_out(setup.request, pieces, workers, console, words)
    written, found = sum(part.written for part in parts), sum(part.found for part in parts)
    there = f", {found} there already" if found else ""
    print_line(console, f"{setup.output}: {written} images written{there}; no mask was opened")
    return 0
