"""The end of a search: the winner, its score on images that the search never saw, and the summary."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from platform.results.summary import (
    Contender,
    SearchSummary,
    summary_markdown,
    summary_renderable,
)
from platform.results.tables import read_curves, read_trials
from platform.results.trial_rows import TrialRow
from platform.scoring.pool import PoolClient
from platform.scoring.request import ScoreRequest
from platform.training.checkpoints import list_checkpoints
from platform.tuning.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.tuning.trial import trial_directory

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from toco_core.overrides import apply_overrides, dump_recipe

REPORT_FILE = "report.json"
BEST_RECIPE, BEST_CHECKPOINT = "best.yaml", "best.pt"
NO_WINNER = 1  # exit status


@dataclass(frozen=True, kw_only=True)
class ReportScore:
    """CAM mIoU on the `report` split at the threshold that the `tune` split chose."""

    number: int
    bkg: float
    aux_bkg: float
    miou: float
    aux_miou: float
    masks_opened: int


def finish_search(
    setup: SearchSetup, study: optuna.Study, client: PoolClient, console: Console
) -> int:
    """Score winner and default once on the `report` split, keep the winner, print the summary.

    Returns:
        The exit status: 0, or 1 if no trial reached its end.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        console.print("no trial reached its end: see the reasons above, or trials.parquet")
        return NO_WINNER
    winner = max(complete, key=lambda trial: trial.value or 0.0)
    chosen = {trial.number: trial for trial in complete if trial.number in (0, winner.number)}
    scores = {number: _report_score(setup, trial, client) for number, trial in chosen.items()}
    _write_report(setup, scores)
    _keep_best(setup, winner, scores[winner.number].bkg)
    summary = _summarise(setup, winner.number, scores)
    (setup.directory / "summary.md").write_text(summary_markdown(summary))
    console.print(summary_renderable(summary))
    return 0


def _report_score(setup: SearchSetup, trial: FrozenTrial, client: PoolClient) -> ReportScore:
    """Return the score on the `report` split; an earlier session's is not looked up again."""
    known = _read_report(setup).get(trial.number)
    if known is not None:
        return known
    chosen = _last_score(setup, trial.number)
    answer = client.score(
        ScoreRequest(
            checkpoint=str(_checkpoint(setup, trial.number)),
            dataset=setup.dataset,
            split=REPORT_SPLIT,
            purpose="final report",
        )
    )
    score = answer.score
    return ReportScore(
        number=trial.number,
        bkg=chosen["bkg"],
        aux_bkg=chosen["aux_bkg"],
        miou=score.at(chosen["bkg"]),
        aux_miou=score.aux_at(chosen["aux_bkg"]),
        masks_opened=score.masks_opened,
    )


def _last_score(setup: SearchSetup, number: int) -> Mapping[str, float]:
    return [row for row in read_curves(setup.directory) if row["number"] == number][-1]


def _checkpoint(setup: SearchSetup, number: int) -> Path:
    return list_checkpoints(trial_directory(setup.trials_directory, number))[-1]


def _read_report(setup: SearchSetup) -> dict[int, ReportScore]:
    path = setup.directory / REPORT_FILE
    rows = json.loads(path.read_text()) if path.exists() else []
    return {row["number"]: ReportScore(**row) for row in rows}


def _write_report(setup: SearchSetup, scores: Mapping[int, ReportScore]) -> None:
    """Keep every score on `report`, those of earlier winners too: each was a look at it."""
    rows = {**_read_report(setup), **scores}
    text = json.dumps([asdict(rows[number]) for number in sorted(rows)], indent=2)
    (setup.directory / REPORT_FILE).write_text(text + "\n")


def _keep_best(setup: SearchSetup, winner: FrozenTrial, bkg: float) -> None:
    """Write the winner's recipe and checkpoint, and drop the checkpoints of the others."""
    changes = {**winner.params, "thresholds.bkg": round(bkg, 3)}
    text = f"# Trial {winner.number} of {setup.name}: CAM mIoU {100 * (winner.value or 0):.1f} on tune\n"
    recipe = apply_overrides(setup.space.recipe, changes)
    (setup.directory / BEST_RECIPE).write_text(text + dump_recipe(recipe))
    shutil.copyfile(_checkpoint(setup, winner.number), setup.directory / BEST_CHECKPOINT)


def _summarise(setup: SearchSetup, winner: int, scores: Mapping[int, ReportScore]) -> SearchSummary:
    trials = read_trials(setup.directory)
    by_number = {row.number: row for row in trials}
    shown = os.path.relpath(setup.directory)
    return SearchSummary(
        name=setup.name,
        trials=trials,
        default=_contender(by_number[0], scores.get(0)) if 0 in scores else None,
        winner=_contender(by_number[winner], scores[winner]),
        seconds=_seconds_of_all_sessions(trials),
        masks={
            TUNE_SPLIT: {"scores during training": sum(row.mask_reads for row in trials)},
            REPORT_SPLIT: {
                "final report": sum(s.masks_opened for s in _read_report(setup).values())
            },
        },
        places={
            "winning configuration": f"{shown}/{BEST_RECIPE}",
            "its checkpoint": f"{shown}/{BEST_CHECKPOINT}",
            "all trials, all scores": f"{shown}/trials.parquet, {shown}/curves.parquet",
            "TensorBoard": f"tensorboard --logdir {os.path.dirname(shown) or '.'}",
        },
    )


def _contender(row: TrialRow, report: ReportScore | None) -> Contender:
    return Contender(
        number=row.number,
        params=row.params,
        tune=row.score,
        tune_aux=row.aux_score,
        report=report.miou if report else None,
        report_aux=report.aux_miou if report else None,
    )


def _seconds_of_all_sessions(trials: list[TrialRow]) -> float:
    """Return the time from the first trial's start to the last one's end."""
    ends = [row.ended for row in trials if row.ended is not None]
    return max(ends) - min(row.started for row in trials) if ends else 0.0
