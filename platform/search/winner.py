"""The winner of a search, and its score on images that the search never saw."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial
from rich.console import Console

from platform.protocol.card import Threshold
from platform.protocol.fill import Measured, cam_card, label_card
from platform.results.curves import read_curves
from platform.search.front.judged import judge_front
from platform.search.kept import forget_others
from platform.search.report_file import ReportScore, read_report, write_report
from platform.search.retries import repeat_of
from platform.search.scores import has_several, value_of
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.search.space.checked import CheckedSpace
from platform.search.trial_protocol import trial_directory
from platform.search.worth import best_complete, complete_trials, judge
from platform.train.run_checkpoints import list_checkpoints
from platform.workers.executor import Executor
from platform.workers.requests import ScoreRequest
from platform.workers.start import run_with_progress
from toco_core.data.ledger import MaskLedger
from toco_core.files import archive_problem, replacing
from toco_core.remote_files import local_file
from toco_core.remote_path import Place
from toco_core.settings.overrides import apply_overrides, dump_recipe

REPORT_PURPOSE = "final report"  # of the masks that are opened
BEST_RECIPE, BEST_CHECKPOINT = "best.yaml", "best.pt"


def find_winner(study: optuna.Study, space: CheckedSpace) -> FrozenTrial | None:
    """Return the complete trial whose configuration is worth most by the model of all scores.

    The highest of several last scores is as much luck as merit. Where there are too few trials for
    a model, it is the one of the highest last score; None without a complete trial.
    """
    return best_complete(judge(study, space), study)


def is_reported(setup: SearchSetup, study: optuna.Study) -> bool:
    """Whether the winner's score on `report` is known, or there is no winner to score."""
    winner = find_winner(study, setup.space)
    return winner is None or winner.number in read_report(setup.directory)


def report_winner(
    setup: SearchSetup,
    study: optuna.Study,
    executor: Executor,
    console: Console,
) -> None:
    """Score winner and published configuration once on the `report` split, and keep the winner.

    Args:
        setup: of the search.
        study: its record.
        executor: of the evaluation workers.
        console: where the progress is shown.

    Raises:
        ValueError: the checkpoint of one of the two is gone.
    """
    winner = find_winner(study, setup.space)
    if winner is None:
        return
    known = read_report(setup.directory)
    chosen = {trial.number for trial in complete_trials(study)} & {0, winner.number}
    new = {
        number: score_on_report(setup, number, executor, console)
        for number in sorted(chosen - known.keys())
    }
    report = {**known, **new}
    _keep_best(setup, study, winner, report[winner.number].bkg)
    write_report(setup.directory, report)  # last: where it is, the rest is done
    # another one of the front may be picked later
    front = judge_front(study, setup.space).numbers if has_several(study) else ()
    forget_others(study, setup.trials_directory, chosen.union(front))


def restore_best(setup: SearchSetup, study: optuna.Study, *, anew: bool = False) -> list[str]:
    """Write `best.yaml` and `best.pt` of a finished search again, where one is gone or damaged.

    Args:
        setup: of the search.
        study: its record.
        anew: write them in any case, as where another trial of the front was picked.

    Returns:
        A line if it was so.
    """
    places = [setup.directory / name for name in (BEST_RECIPE, BEST_CHECKPOINT)]
    if not anew and all(map(Path.exists, places)) and not archive_problem(places[1]):
        return []
    winner = find_winner(study, setup.space)
    if winner is None:
        return []
    what = f"{BEST_RECIPE} and {BEST_CHECKPOINT} of {setup.directory}"
    try:
        _keep_best(setup, study, winner, read_report(setup.directory)[winner.number].bkg)
    except ValueError as error:
        return [f"{what} are gone or damaged, and cannot be made again: {error}"]
    why = "are made anew" if anew else "were gone or damaged: made again"
    return [f"{what} {why} from trial {winner.number}"]


def score_on_report(
    setup: SearchSetup, number: int, executor: Executor, console: Console | None = None
) -> ReportScore:
    """Score the last checkpoint of a trial at the thresholds that its last score on `tune` chose.

    Args:
        setup: of the search.
        number: of the trial.
        executor: of the evaluation workers.
        console: where it is shown how far it is; None where somebody else shows it.

    Raises:
        ValueError: the checkpoint is gone.
    """
    bkg, aux_bkg, source = _chosen_thresholds(setup, number)
    checkpoint = _checkpoint(setup, number)
    request = ScoreRequest(
        checkpoint=str(checkpoint),
        dataset=setup.dataset,
        split=REPORT_SPLIT,
        purpose=REPORT_PURPOSE,
        masks=setup.objective.needs_masks,
    )
    if console is None:
        score = executor.submit(request).result().score
    else:  # the recipe stands beside the winner, whichever of the two comes first
        what = f"scoring trial {number} on {REPORT_SPLIT}"
        score = run_with_progress(request, executor, console, what).score
    miou, aux_miou = score.at(bkg), score.aux_at(aux_bkg)
    numbers = {"score": miou, "aux_score": aux_miou, "f1": score.f1}
    numbers["unsupervised"] = score.unsupervised
    measured = _measured(setup, checkpoint, score.masks_opened)
    thresholds = Threshold(value=bkg, source=source), Threshold(value=aux_bkg, source=source)
    return ReportScore(
        number=number,
        bkg=bkg,
        aux_bkg=aux_bkg,
        miou=None if math.isnan(miou) else miou,
        aux_miou=None if math.isnan(aux_miou) else aux_miou,
        masks_opened=score.masks_opened,
        objective=numbers[setup.objective.field],
        others=[numbers[one.field] for one in setup.objective.others],
        card=cam_card(measured, score, *thresholds)
        if setup.objective.needs_masks
        else label_card(measured, score, setup.objective.words),
    )


def _measured(setup: SearchSetup, checkpoint: Place, masks_opened: int) -> Measured:
    from toco_core.checkpoint import load_checkpoint  # torch: not for a summary

    content = load_checkpoint(checkpoint)
    ledger = MaskLedger()
    ledger.record(REPORT_SPLIT, REPORT_PURPOSE, masks_opened)
    return Measured(
        checkpoint=local_file(str(checkpoint)),
        recipe=content.recipe,
        iteration=content.iteration,
        dataset=setup.dataset,
        split=REPORT_SPLIT,
        masks=ledger,
    )


def _chosen_thresholds(setup: SearchSetup, number: int) -> tuple[float, float, str]:
    """Return the background thresholds of the trial's last score, final and auxiliary; and why."""
    rows = [row for row in read_curves(setup.directory) if row["number"] == number]
    if rows and setup.objective.needs_masks:
        iteration = rows[-1]["iteration"]
        source = f"the best on {TUNE_SPLIT} at iteration {iteration}"
        return rows[-1]["bkg"], rows[-1]["aux_bkg"], source
    # the table was removed, or no mask was opened: the recipe's own threshold is as independent of
    # the `report` split
    bkg = setup.space.recipe.thresholds.bkg
    return bkg, bkg, "thresholds.bkg of the recipe"


def _checkpoint(setup: SearchSetup, number: int) -> Place:
    directory = trial_directory(setup.trials_directory, number)
    checkpoints = list_checkpoints(directory)
    if not checkpoints:
        raise ValueError(
            f"the checkpoint of trial {number} is gone from {directory}, so that its score on the "
            f"{REPORT_SPLIT} split cannot be known; search again under another --name"
        )
    return checkpoints[-1]


def _keep_best(setup: SearchSetup, study: optuna.Study, winner: FrozenTrial, bkg: float) -> None:
    """Write the winner's recipe, and its checkpoint with that recipe: both know the threshold."""
    from toco_core.checkpoint import load_checkpoint, save_checkpoint  # torch: not for a summary

    repeat = repeat_of(study, winner.number, winner.params)
    trained = setup.space.recipe_for(winner.params, repeat)
    recipe = apply_overrides(trained, {"thresholds.bkg": round(bkg, 4)})
    scores = [
        f"{one.heading} {100 * (value_of(winner, place) or 0.0):.1f}"
        for place, one in enumerate(setup.objective.parts)
    ]
    title = f"# Trial {winner.number} of {setup.name}: {', '.join(scores)} on tune\n"
    text = title + dump_recipe(recipe)
    checkpoint = replace(load_checkpoint(_checkpoint(setup, winner.number)), recipe=recipe)
    with replacing(setup.directory / BEST_RECIPE) as unfinished:
        unfinished.write_text(text)
    save_checkpoint(setup.directory / BEST_CHECKPOINT, checkpoint)
