"""A trial's score on `report`: images that the search never saw, opened once at its end."""

from __future__ import annotations

import math

from rich.console import Console

from platform.protocol.card import Threshold
from platform.protocol.fill import Measured, cam_card, label_card
from platform.results.curves import read_curves
from platform.search.kept import last_checkpoint
from platform.search.report_file import ReportScore
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.workers.executor import Executor
from platform.workers.requests import ScoreRequest
from platform.workers.start import run_with_progress
from toco_core.data.ledger import MaskLedger
from toco_core.remote_files import local_file
from toco_core.remote_path import Place
from toco_core.scoring.cam_score import Score

REPORT_PURPOSE = "final report"  # of the masks that are opened


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
    checkpoint = last_checkpoint(setup.trials_directory, number)
    score = _score(setup, number, checkpoint, executor, console)
    bkg, aux_bkg = _chosen_thresholds(setup, number)
    miou, aux_miou = score.at(bkg.value), score.aux_at(aux_bkg.value)
    numbers = {"score": miou, "aux_score": aux_miou, "f1": score.f1}
    numbers["unsupervised"] = score.unsupervised
    measured = _measured(setup, checkpoint, score.masks_opened)
    return ReportScore(
        number=number,
        bkg=bkg.value,
        aux_bkg=aux_bkg.value,
        miou=None if math.isnan(miou) else miou,
        aux_miou=None if math.isnan(aux_miou) else aux_miou,
        masks_opened=score.masks_opened,
        objective=numbers[setup.objective.field],
        others=[numbers[one.field] for one in setup.objective.others],
        card=cam_card(measured, score, bkg, aux_bkg)
        if setup.objective.needs_masks
        else label_card(measured, score, setup.objective.words),
    )


def _score(
    setup: SearchSetup,
    number: int,
    checkpoint: Place,
    executor: Executor,
    console: Console | None,
) -> Score:
    request = ScoreRequest(
        checkpoint=str(checkpoint),
        dataset=setup.dataset,
        split=REPORT_SPLIT,
        purpose=REPORT_PURPOSE,
        masks=setup.objective.needs_masks,
    )
    if console is None:
        return executor.submit(request).result().score
    # the recipe stands beside the winner, whichever of the two comes first
    what = f"scoring trial {number} on {REPORT_SPLIT}"
    return run_with_progress(request, executor, console, what).score


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


def _chosen_thresholds(setup: SearchSetup, number: int) -> tuple[Threshold, Threshold]:
    """Return the background thresholds of the trial's last score, final and auxiliary."""
    rows = [row for row in read_curves(setup.directory) if row["number"] == number]
    if rows and setup.objective.needs_masks:
        last = rows[-1]
        source = f"the best on {TUNE_SPLIT} at iteration {last['iteration']}"
        final = Threshold(value=last["bkg"], source=source)
        return final, Threshold(value=last["aux_bkg"], source=source)
    # the table was removed, or no mask was opened: the recipe's own threshold is as independent of
    # the `report` split
    bkg = setup.space.recipe.thresholds.bkg
    own = Threshold(value=bkg, source="thresholds.bkg of the recipe")
    return own, own
