"""A made-up search in a directory of its own, as a real one leaves it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import TrialState

from platform.results.events import CAM_MIOU, SearchEnded, SearchStarted, Sink, TrialScored, fan_out
from platform.results.objectives import OBJECTIVE_KEY, Objective, find_objective
from platform.results.pictures import overlay
from platform.results.tables import TrialTables
from platform.results.tensorboard import TensorBoardSink
from platform.search.live_trials import LiveTrials
from platform.search.monitor import TrialObserver
from platform.search.opened import SPACE_FILE
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.scores import has_several
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.writing import dump_space
from platform.search.study import default_storage, objective_of, open_storage, open_study
from tests.results.made_counts import made_counts
from tests.search.worlds import ITERATIONS, learning_curve, quality, small_space
from toco_core.settings.overrides import dump_recipe

CLASSES = ["circle <b>", "star & co"]  # names come from users
IMAGES = 40  # of tune
LATE_FAILURE = 5  # the trial that breaks
PALETTE = [(0, 0, 0), (200, 60, 60), (60, 60, 200)]
POINTS = 5  # scores of a trial
F1 = 0.8
# On fresh seeds, of the recipe and of a trial that was confirmed.
CONFIRMED_RECIPE, CONFIRMED_TRIAL = (0.60, 0.61, 0.59), (0.65, 0.66, 0.65)


def make_search(
    directory: Path,
    trials: int = 14,
    *,
    pictures: bool = False,
    is_running: bool = False,
    pruner: str = "halving",
    objective: str = CAM_MIOU,
) -> None:
    """Run a search over made-up curves, and leave its study and tables.

    One that is running has a last trial with two scores. Of two objectives the second one falls as
    the first rises.
    """
    space = small_space()
    directory.mkdir(parents=True)
    tensorboard = [TensorBoardSink(directory)] if pictures else []
    sink = fan_out(TrialTables(directory), *tensorboard)
    observer = TrialObserver(sink, directory / "trials")
    live = open_live(directory, space, trials, observer, pruner, objective)
    sink.handle(
        SearchStarted(
            name=directory.name,
            trials=trials,
            iterations=ITERATIONS,
            directory=directory,
            log_file=directory / "ray.log",
            objective=objective,
        )
    )
    made_by = f"# Made by: python -m platform.search --name {directory.name}\n"
    (directory / "recipe.yaml").write_text(made_by + dump_recipe(space.recipe))
    (directory / SPACE_FILE).write_text(dump_space(space.space))
    while assignment := live.next():
        if is_running and assignment.number == trials - 1:
            score_trial(live, sink, assignment.number, [0.2, 0.3], pictures)
            return
        run_trial(live, sink, assignment.number, assignment.params, pictures)
    sink.handle(SearchEnded())
    write_report_scores(directory, live)


def open_live(
    directory: Path,
    space: CheckedSpace,
    trials: int,
    observer: TrialObserver,
    pruner: str,
    objective: str = CAM_MIOU,
) -> LiveTrials:
    count, own = len(find_objective(objective).parts), {OBJECTIVE_KEY: objective}
    study = open_study(
        open_storage(default_storage(directory)),
        directory.name,
        space,
        sampler=make_sampler("random", space, 0),
        pruner=make_pruner(pruner, ITERATIONS, count),
        extra={"classes": CLASSES, "images of tune": IMAGES, "images of report": 80, **own},
        objectives=count,
    )
    return LiveTrials(study, space, budget=trials, iterations=ITERATIONS, observer=observer)


def run_trial(live: LiveTrials, sink: Sink, number: int, params: Params, pictures: bool) -> None:
    if number == LATE_FAILURE:
        live.fail(number, "FloatingPointError: the loss cls is nan <script>")
        return
    scores = [score for score in learning_curve(number, params) if score is not None]
    score_trial(live, sink, number, scores, pictures)
    live.finish(number)


def score_trial(
    live: LiveTrials, sink: Sink, number: int, scores: Sequence[float], pictures: bool
) -> None:
    for place, score in enumerate(scores, start=1):
        step = place * ITERATIONS // POINTS
        event = scored(number, step, score, pictures)
        sink.handle(event if maximised(live).needs_masks else without_masks(event, score))
        others = (F1 - score,) if has_several(live.study) else ()
        if not live.record(number, score, step, others=others):
            return


def maximised(live: LiveTrials) -> Objective:
    return find_objective(objective_of(live.study))


def without_masks(event: TrialScored, score: float) -> TrialScored:
    """The same score of a search that opened no mask."""
    nothing = dict.fromkeys(("score", "aux_score", "bkg", "aux_bkg"), math.nan)
    unknown = {key: [math.nan] * len(getattr(event, key)) for key in ("curve", "class_iou")}
    return replace(
        event, **nothing, **unknown, unsupervised=score, mask_reads=0, counts=None, pictures=()
    )


def scored(number: int, iteration: int, score: float, pictures: bool) -> TrialScored:
    """A score whose parts follow from its size."""
    thresholds = np.linspace(0, 1, 101)
    curve = score * np.exp(-8 * (thresholds - 0.45) ** 2)
    counts = made_counts(number, images=IMAGES, skill=score) if iteration == ITERATIONS else None
    if counts is not None:
        curve = counts.curves(np.ones((1, IMAGES)))[0]
    return TrialScored(
        number=number,
        iteration=iteration,
        score=score,
        aux_score=score - 0.02,
        bkg=0.45,
        aux_bkg=0.4,
        curve=[float(one) for one in curve],
        class_iou=[0.8, score, max(score - 0.1, 0.0)],
        f1=F1,
        token_similarity=[0.9 - 0.3 * score, 0.95 - 0.2 * score, 0.5 + 0.01 * number],
        unsupervised=0.5 + 0.01 * (number % 4),
        seconds_training=20.0 + number,
        seconds_scoring=5.0,
        mask_reads=IMAGES,
        pictures=[picture(number)] if pictures else (),
        counts=counts,
    )


def picture(number: int) -> bytes:
    rng = np.random.default_rng(number)
    image = rng.integers(0, 255, (32, 32, 3), np.uint8)
    cam = rng.random((2, 32, 32))
    return overlay(image, cam, rng.integers(0, 3, (32, 32)), PALETTE)


def write_report_scores(directory: Path, live: LiveTrials) -> None:
    """Score every complete trial on `report`, whichever of them wins."""
    masks = maximised(live).needs_masks
    complete = live.study.get_trials(states=(TrialState.COMPLETE,))
    rows = [
        {
            "number": trial.number,
            "bkg": 0.45,
            "aux_bkg": 0.4,
            "miou": quality(trial.params) - 0.01 if masks else None,
            "aux_miou": quality(trial.params) - 0.02 if masks else None,
            "masks_opened": 80 if masks else 0,
            "objective": None if masks else quality(trial.params) - 0.01,
            "others": [F1] if has_several(live.study) else [],
        }
        for trial in complete
    ]
    (directory / "report.json").write_text(json.dumps(rows))


def confirm(
    directory: Path, trial: int | None, told: str = "better", objective: str = "cam_miou"
) -> None:
    """Write what a confirmation of a trial on three seeds would have left."""
    scores = {"recipe": (0, CONFIRMED_RECIPE), f"trial {trial}": (trial, CONFIRMED_TRIAL)}
    configurations: list[dict[str, Any]] = [
        {
            "name": name,
            "trial": number,
            "params": {},
            "scores": {str(10_000 + seed): score for seed, score in enumerate(values)},
            "mean": sum(values) / 3,
            "half_width": 0.02,
            "sd": 0.01,
            "probability_best": 0.5,
        }
        for name, (number, values) in scores.items()
    ]
    against = {"mean": 0.053, "half_width": 0.014, "p": 0.004, "verdict": told}
    configurations[1]["against_recipe"] = against
    content = {
        "objective": objective,
        "findings": ["What was found.", "How."],
        "configurations": configurations,
    }
    (directory / "confirm").mkdir(exist_ok=True)
    (directory / "confirm/confirm.json").write_text(json.dumps(content))
