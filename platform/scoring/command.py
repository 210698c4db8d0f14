"""`python -m platform.evaluate`, from its options to its tables."""

from __future__ import annotations

import math

from rich.console import Console

from platform.command_line import drawing_progress
from platform.scoring.answer import ScoredCheckpoint
from platform.scoring.options import EvaluateOptions
from platform.scoring.report import show_evaluation, write_evaluation
from platform.scoring.runner import check_workers, score_here, score_on_ray, uses_ray
from platform.scoring.setup import EvaluationSetup, check_dataset
from toco_core.checkpoint import load_checkpoint


def run_evaluation(options: EvaluateOptions) -> int:
    """Score a checkpoint, write what came of it and print it; return the exit status.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ArithmeticError: the CAMs of the checkpoint are not finite.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    checkpoint = load_checkpoint(options.checkpoint)
    check_workers(options)
    with drawing_progress(console) as progress:
        setup = check_dataset(checkpoint, options, progress)
    answer = _score(setup, options, console)
    if math.isnan(answer.score.miou):
        raise ValueError(
            f"the {answer.score.images} masks of {setup.request.split} show nothing that counts: "
            "all their pixels are ignored"
        )
    write_evaluation(setup, answer)
    show_evaluation(setup, answer, console)
    return 0


def _score(setup: EvaluationSetup, options: EvaluateOptions, console: Console) -> ScoredCheckpoint:
    if not uses_ray(options):
        return score_here(setup.request, setup.images, options, console)
    log_file = setup.output.absolute() / "ray.log"
    console.print(f"starting Ray and {options.scorers} evaluation workers", style="dim")
    return score_on_ray(setup.request, log_file, options)
