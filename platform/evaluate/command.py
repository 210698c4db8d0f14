"""`python -m platform.evaluate`, from its options to its tables."""

from __future__ import annotations

import math

from rich.console import Console

from platform.command_line import drawing_progress
from platform.evaluate.evaluation import Evaluation, cards_of
from platform.evaluate.network import read_network
from platform.evaluate.options import EvaluateOptions
from platform.evaluate.output import show_evaluation, write_evaluation
from platform.evaluate.setup import EvaluationSetup, check_dataset
from platform.results.progress import print_line
from platform.workers.executor import Executor
from platform.workers.start import check_workers, run_with_progress, start_executor
from toco_core.settings import Recipe


def run_evaluation(options: EvaluateOptions, official: Recipe | None = None) -> int:
    """Score a checkpoint, write what came of it and print it; return the exit status.

    Args:
        options: what to score, and how.
        official: the recipe of an official checkpoint, as `check_options` returns it.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ArithmeticError: the CAMs or the segmentation of the checkpoint are not finite.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    network = read_network(options.checkpoint, official)
    check_workers(options.workers)
    with drawing_progress(console) as progress:
        setup = check_dataset(network, options, progress)
    print_line(console, network.head_warning if setup.segmentation else None)
    log_file = setup.output.absolute() / "ray.log"
    with start_executor(options.workers, log_file, console) as executor:
        evaluation = _evaluate(setup, executor, console)
    _require_truth(setup, evaluation)
    cards = cards_of(setup, evaluation)
    write_evaluation(setup, evaluation, cards)
    show_evaluation(setup, evaluation, cards, console)
    return 0


def _evaluate(setup: EvaluationSetup, executor: Executor, console: Console) -> Evaluation:
    cam, segmentation, split = setup.cam, setup.segmentation, setup.split
    return Evaluation(
        cam=cam and run_with_progress(cam, executor, console, f"scoring CAMs of {split}"),
        segmentation=segmentation
        and run_with_progress(segmentation, executor, console, f"scoring segmentation of {split}"),
    )


def _require_truth(setup: EvaluationSetup, evaluation: Evaluation) -> None:
    if any(math.isnan(miou) for miou in evaluation.mious):
        raise ValueError(
            f"the {setup.images} masks of {setup.split} show nothing that counts: "
            "all their pixels are ignored"
        )
