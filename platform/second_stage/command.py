"""`python -m platform.second_stage`, from its options to its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from rich.console import Console

from platform.cluster.machine import device_for
from platform.command_line import INTERRUPTED, drawing_progress
from platform.datasets import recipe_remarks, resolve_dataset
from platform.results.progress import print_line
from platform.results.tables import set_damaged_aside
from platform.results.task_progress import counting_progress
from platform.second_stage.options import Resources, SecondStageOptions
from platform.second_stage.output import Outcome, show_outcome, write_outcome
from platform.second_stage.setup import SecondStageSetup, check_second_stage
from platform.train.fit import Fit, fit_here
from platform.train.loop import Rank
from platform.train.options import Workers
from platform.train.plan import RunPlan
from platform.train.session import train_runs
from platform.train.stops import RunStopped
from platform.workers.executor import LocalExecutor
from platform.workers.requests import SegmentationRequest
from platform.workers.start import run_with_progress
from platform.workers.worker import ScoringWorker
from toco_core.checkpoint import Checkpoint
from toco_core.data.reader import open_dataset
from toco_core.scoring.segmentation_score import Method, SegmentationScore
from toco_core.settings import Recipe
from toco_core.supervised.labels import Labels
from toco_core.supervised.trainer import SupervisedTrainer

SCORING_PURPOSE = "score of a second stage"


def run_second_stage(recipes: Mapping[int, Recipe], options: SecondStageOptions) -> int:
    """Train with each seed what is not trained yet, and score each; return the exit status.

    Args:
        recipes: of each run by its seed, as `check_options` returns them.
        options: on what, and how.

    Raises:
        ValueError: the options do not fit each other, the labels or the dataset.
        ArithmeticError: a loss became infinite or NaN.
        MemoryError: the GPU's memory ran out.
    """
    console = Console()
    device = device_for(options.resources.gpus)
    source = next(iter(recipes.values())).data.source
    with drawing_progress(console) as progress:
        root = resolve_dataset(source, progress)
    with counting_progress(console, "reading labels") as progress:
        setup = check_second_stage(recipes, options, root, progress)
    for line in recipe_remarks(options.recipe, next(iter(recipes.values())), root):
        print_line(console, line)
    fit = fit_here(_workers(options.resources), partial(start, setup.labels, setup.trained_on))
    try:
        _train(setup, fit, console)
    except RunStopped as stop:
        console.print(f"{stop}; the same command goes on from there")
        return INTERRUPTED
    scores = _score(setup, device, console)
    outcome = Outcome(setup=setup, scores=scores, purpose=SCORING_PURPOSE)
    cards = outcome.cards()
    write_outcome(outcome, cards)
    show_outcome(outcome, cards, console)
    return 0


def start(
    labels: Labels, trained_on: str, plan: RunPlan, rank: Rank, checkpoint: Checkpoint | None
) -> SupervisedTrainer:
    """Build what is trained in place of ToCo."""
    return SupervisedTrainer(
        plan.recipe,
        open_dataset(plan.dataset),
        labels,
        device=rank.device,
        num_workers=plan.num_workers,
        checkpoint=checkpoint,
        trained_on=trained_on,
    )


def _workers(resources: Resources) -> Workers:
    return Workers(cpus=resources.cpus, gpus=resources.gpus, loaders=resources.loaders)


def _train(setup: SecondStageSetup, fit: Fit, console: Console) -> None:
    runs = setup.runs.values()
    for run in runs:
        for line in set_damaged_aside(run.directory):
            print_line(console, line)
    train_runs(runs, fit, console)


def _score(
    setup: SecondStageSetup, device: str, console: Console
) -> Mapping[int, SegmentationScore]:
    executor = LocalExecutor(ScoringWorker(device))
    scores: dict[int, SegmentationScore] = {}
    for seed, run in setup.runs.items():
        request = SegmentationRequest(
            checkpoint=str(run.final_checkpoint),
            dataset=setup.dataset,
            split=setup.split,
            purpose=SCORING_PURPOSE,
            method=Method(scales=setup.scales),
        )
        description = f"scoring seed {seed} on {setup.split}"
        scores[seed] = run_with_progress(request, executor, console, description).score
    if any(math.isnan(one.counts["single"].miou) for one in scores.values()):
        raise ValueError(f"the masks of {setup.split} show nothing that counts: all are ignored")
    return scores
