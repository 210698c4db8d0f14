"""`python -m platform.evaluate`, from its options to its tables."""

from __future__ import annotations

import math
import time

from rich.console import Console

from platform.command_line import drawing_progress
from platform.evaluate.network import read_network
from platform.evaluate.options import EvaluateOptions
from platform.evaluate.output import Evaluation, show_evaluation, write_evaluation
from platform.evaluate.setup import EvaluationSetup, check_dataset
from platform.workers.executor import Crew, carry_out
from platform.workers.results import ScoredCheckpoint, SegmentedCheckpoint
from platform.workers.start import check_workers, crew
from toco_core.scoring import segmentation_score
from toco_core.scoring.cam_score import chunks
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
    with crew(options.workers, setup.output.absolute() / "ray.log", console) as workers:
        evaluation = Evaluation(
            cam=_score_cams(setup, workers, console),
            segmentation=_score_segmentation(setup, workers, console),
        )
    _require_truth(setup, evaluation)
    write_evaluation(setup, evaluation)
    show_evaluation(setup, evaluation, console)
    return 0


def _score_cams(setup: EvaluationSetup, workers: Crew, console: Console) -> ScoredCheckpoint | None:
    if setup.cam is None:
        return None
    start, pieces = time.monotonic(), chunks(setup.images)
    parts = carry_out(setup.cam, pieces, workers, console, f"scoring CAMs of {setup.split}")
    return ScoredCheckpoint.of(setup.cam, parts, time.monotonic() - start)


def _score_segmentation(
    setup: EvaluationSetup, workers: Crew, console: Console
) -> SegmentedCheckpoint | None:
    if setup.segmentation is None:
        return None
    start, pieces = time.monotonic(), chunks(setup.images, segmentation_score.CHUNK_IMAGES)
    words = f"scoring segmentation of {setup.split}"
    parts = carry_out(setup.segmentation, pieces, workers, console, words)
    return SegmentedCheckpoint.of(parts, time.monotonic() - start)


def _require_truth(setup: EvaluationSetup, evaluation: Evaluation) -> None:
    if any(math.isnan(miou) for miou in evaluation.mious):
        raise ValueError(
            f"the {setup.images} masks of {setup.split} show nothing that counts: "
            "all their pixels are ignored"
        )
