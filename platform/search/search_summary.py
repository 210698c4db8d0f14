"""The summary of a finished search, printed and written as `summary.md`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import optuna
from rich.console import Console

from platform.command_line import shown_path
from platform.protocol.card import card_table
from platform.results.events import CAM_MIOU
from platform.results.objectives import Objective
from platform.results.summary import (
    Contender,
    SearchSummary,
    summary_markdown,
    summary_renderable,
)
from platform.results.tables import read_trials
from platform.results.text_tables import TextTable
from platform.results.trial_rows import TrialRow
from platform.search.best_files import BEST_CHECKPOINT, BEST_RECIPE
from platform.search.faults import Fault
from platform.search.findings import WORTH_FILE, findings, points, write_worth
from platform.search.front.judged import Front, judge_front
from platform.search.front.tables import (
    FRONT_FILE,
    front_findings,
    front_table,
    write_front,
)
from platform.search.report_file import ReportScore, read_report
from platform.search.report_split import REPORT_PURPOSE
from platform.search.scores import has_several
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.search.worth import Judgement, best_complete, judge, last_values
from platform.train.plan import SCORING_PURPOSE
from toco_core.data.ledger import MaskLedger

SUMMARY_FILE = "summary.md"
NO_WINNER = 1  # exit status


def print_summary(
    setup: SearchSetup, study: optuna.Study, console: Console, struck: Iterable[Fault] = ()
) -> int:
    """Print the summary and write it down.

    Args:
        setup: of the search.
        study: its record.
        console: where to.
        struck: for which machines were struck off in this session.

    Returns:
        The exit status: 0, or 1 if no trial reached its end.
    """
    judgement = judge(study, setup.space)
    winner = best_complete(judgement, study)
    if winner is None:
        console.print(
            "no trial reached its end; "
            f"{shown_path(setup.directory / 'trials.parquet')} has the reasons",
            soft_wrap=True,
        )
        return NO_WINNER
    write_worth(setup.directory, judgement, study)
    front = judge_front(study, setup.space) if has_several(study) else None
    if front is not None:
        write_front(setup.directory, front, setup.objective, last_values(study))
    trials, report = read_trials(setup.directory), read_report(setup.directory)
    summary = replace(
        summarise(setup, trials, report, winner.number, judgement),
        findings=[
            *_about(setup),
            *(front_findings(front, setup.objective, winner.number) if front else ()),
            *_of_first(setup.objective, findings(judgement, study, winner)),
            *fault_findings(trials, struck),
            *prefix_findings(trials),
        ],
        front=front and _front_table(setup, front, trials, winner.number),
    )
    (setup.directory / SUMMARY_FILE).write_text(summary_markdown(summary))
    console.print(summary_renderable(summary))
    return 0


def fault_findings(trials: Iterable[TrialRow], struck: Iterable[Fault]) -> list[str]:
    """Say how often trials were begun again, and which machines get none any more."""
    rows = list(trials)
    retries, lost = sum(row.retries for row in rows), sum(row.machines_lost for row in rows)
    preempted = sum(row.preemptions for row in rows)
    found = [f"Machine {one.machine} was struck off: {one.cause}." for one in struck]
    if retries:
        found.append(
            f"After faults, trials began again {retries} times, {lost} of them off a lost machine."
        )
    if preempted:
        found.append(f"Preemptions: {preempted}, after each of which a trial went on as saved.")
    return found


def prefix_findings(trials: Iterable[TrialRow]) -> list[str]:
    """Say how many iterations were trained once for several trials."""
    rows = list(trials)
    shared = sum(row.shared_iterations for row in rows)
    whole = sum(row.iteration for row in rows)
    return [f"Prefixes: {shared:,} of {whole:,} iterations not trained again."] if shared else []


def summarise(
    setup: SearchSetup,
    trials: Sequence[TrialRow],
    report: Mapping[int, ReportScore],
    winner: int,
    judgement: Judgement,
) -> SearchSummary:
    """Return the summary of what a search found."""
    by_number = {row.number: row for row in trials}
    return SearchSummary(
        name=setup.name,
        trials=trials,
        objective=setup.objective,
        default=_contender(by_number[0], report.get(0), setup.objective) if 0 in report else None,
        winner=_contender(by_number[winner], report.get(winner), setup.objective),
        seconds=time_span(trials),
        worth={number: points(one, "") for number, one in judgement.worth.items()},
        masks=opened_masks(trials, report.values()),
        places=_places(setup),
        card=_card(report.get(winner)),
    )


def _about(setup: SearchSetup) -> list[str]:
    """Say what was maximised, where that is not what a reader expects."""
    objective = setup.objective
    if objective.name == CAM_MIOU:
        return []
    masks = "" if objective.needs_masks else " No mask was opened."
    what = ", and the ".join(one.words for one in objective.parts)
    return [f"The search maximised the {what}.{masks}"]


def _of_first(objective: Objective, found: Sequence[str]) -> list[str]:
    """Say of which of several objectives a finding is."""
    return [f"{objective.heading}: {one}" for one in found] if objective.others else [*found]


def _front_table(
    setup: SearchSetup, front: Front, trials: Sequence[TrialRow], winner: int
) -> TextTable:
    rows = {row.number: row for row in trials}
    return front_table(front, setup.objective, rows, winner)


def _card(score: ReportScore | None) -> TextTable | None:
    return card_table(score.card) if score and score.card else None


def opened_masks(trials: Iterable[TrialRow], report: Iterable[ReportScore]) -> MaskLedger:
    """Return the account of the masks that a search has opened."""
    ledger = MaskLedger()
    for row in trials:
        ledger.record(TUNE_SPLIT, SCORING_PURPOSE, int(row.totals["mask_reads"]))
    for score in report:
        ledger.record(REPORT_SPLIT, REPORT_PURPOSE, score.masks_opened)
    return ledger


def _places(setup: SearchSetup) -> dict[str, str]:
    shown = setup.store or shown_path(setup.directory)
    return {
        "winning configuration": f"{shown}/{BEST_RECIPE}",
        "its checkpoint": f"{shown}/{BEST_CHECKPOINT}",
        "all trials, all scores": f"{shown}/trials.parquet, {shown}/curves.parquet",
        "what complete trials are worth": f"{shown}/{WORTH_FILE}",
        **({"the front": f"{shown}/{FRONT_FILE}"} if setup.objective.others else {}),
        "TensorBoard": f"tensorboard --logdir {shown_path(setup.directory.parent)}",
    }


def _contender(row: TrialRow, report: ReportScore | None, objective: Objective) -> Contender:
    return Contender(
        number=row.number,
        params=row.params,
        tune=row.score,
        tune_aux=row.latest.get("aux_score"),
        report=report.miou if report else None,
        report_aux=report.aux_miou if report else None,
        objective=row.value(objective.field),
        report_objective=report.objective if report else None,
        others=_others(row, report, objective),
    )


def _others(
    row: TrialRow, report: ReportScore | None, objective: Objective
) -> Mapping[str, float | None]:
    """Return the other objectives' values on both splits, under the headings of their columns."""
    found: dict[str, float | None] = {}
    for place, one in enumerate(objective.others):
        found[f"{one.heading}, tune"] = row.value(one.field)
        found[f"{one.heading}, report"] = report.others[place] if report else None
    return found


def time_span(trials: Sequence[TrialRow]) -> float:
    """Return the time from the first trial's start to the last one's end, s; pauses included."""
    ends = [row.ended for row in trials if row.ended is not None]
    return max(ends) - min(row.started for row in trials) if ends else 0.0
