"""The tables of a report: winner beside recipe, every trial, the masks opened."""

from __future__ import annotations

from platform.protocol.card import card_table
from platform.report.figures.drawing import Cell, Numbers
from platform.report.overlays import PURPOSE
from platform.report.searched import Searched
from platform.results.parameters import value_text
from platform.results.trial_rows import TrialRow
from platform.search.live_trials import repeat_of
from platform.search.report_file import ReportScore
from platform.search.search_summary import opened_masks
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT


def settings_table(searched: Searched) -> Numbers:
    """Set the searched settings of recipe and winner side by side, with what was searched."""
    recipe, winner = searched.rows[0].params, _winner_params(searched)
    rows: list[tuple[Cell, ...]] = []
    for one in searched.space.space.parameters:
        values = [value_text(params.get(one.key)) for params in (recipe, winner)]
        scale = ", logarithmic" if one.log else ""
        mark = "changed" if values[0] != values[1] else "none"
        rows.append((one.key, *values, mark, one.describe() + scale))
    return Numbers(columns=("setting", "recipe", "winner", "change", "searched"), rows=rows)


def _winner_params(searched: Searched) -> dict:
    return dict(searched.rows[searched.winner or 0].params)


def scores_table(searched: Searched) -> Numbers:
    """Set the scores of recipe and winner side by side, 0..1."""
    numbers = searched.contenders()
    rows: list[tuple[Cell, ...]] = []
    for name, number in numbers.items():
        row, report = searched.rows[number], searched.report.get(number)
        worth = searched.judgement.worth.get(number)
        rows.append(
            (
                f"{name} (trial {number})",
                searched.last_score(row),
                worth.value if worth else None,
                worth.half if worth else None,
                report.maximised if report else None,
                *(_by_masks(row, report) if searched.objective.needs_masks else ()),
                row.latest.get("f1"),
            )
        )
    columns = (searched.heading, f"last on {TUNE_SPLIT}", "worth", "half of the 95 % interval")
    by_masks = (f"{REPORT_SPLIT}, auxiliary CAM", "threshold")
    columns += (REPORT_SPLIT, *(by_masks if searched.objective.needs_masks else ()), "F1")
    return Numbers(columns=columns, rows=rows, digits=3)


def _by_masks(row: TrialRow, report: ReportScore | None) -> tuple[Cell, ...]:
    aux_miou = report.aux_miou if report else None
    return aux_miou, report.bkg if report else row.latest.get("bkg")


def trials_table(searched: Searched) -> Numbers:
    """Return every trial: how it ended, its scores, its seed, its settings."""
    keys = [one.key for one in searched.space.space.parameters]
    rows: list[tuple[Cell, ...]] = []
    for row in searched.trials:
        worth = searched.judgement.worth.get(row.number)
        seed = searched.recipe.seed + repeat_of(searched.study, row.number, dict(row.params))
        params = [row.params.get(key) for key in keys]
        ends = (searched.last_score(row), worth and worth.value, worth and worth.half)
        rows.append((row.number, row.state, row.iteration, *ends, seed, *params, row.reason))
    columns = ("trial", "state", "iterations", "last score", "worth", "± (95 %)", "seed")
    names = [searched.names[key] for key in keys]
    return Numbers(columns=(*columns, *names, "reason"), rows=rows)


def confirmation_table(searched: Searched) -> Numbers:
    """Return every configuration that was confirmed on fresh seeds, scores and differences 0..1."""
    found = searched.confirmation
    rows: list[tuple[Cell, ...]] = []
    for one in found.configurations if found else ():
        against = one.against
        ends = (against.mean, against.half_width, against.p) if against else (None,) * 3
        rows.append((one.name, one.mean, one.half_width, one.sd, *ends, one.best))
    columns = ("configuration", "mean", "± (95 %)", "sd", "difference", "± of it", "p", "is best")
    return Numbers(columns=columns, rows=rows, digits=3)


def protocol_table(searched: Searched) -> Numbers:
    """Return how the winner's score on `report` was measured, line by line."""
    score = searched.report.get(searched.winner or 0)
    table = card_table(score.card) if score and score.card else None
    return Numbers(
        columns=("what", "how"), rows=[tuple(row) for row in table.rows] if table else ()
    )


def masks_table(searched: Searched, for_pictures: int = 0) -> Numbers:
    """Return how many masks were opened, by split and purpose; those of this page too."""
    ledger = opened_masks(searched.trials, searched.report.values())
    if for_pictures:
        ledger.record(TUNE_SPLIT, PURPOSE, for_pictures)
    rows = [(use.split, use.purpose, count) for use, count in ledger.counts.items()]
    return Numbers(columns=("split", "for", "masks"), rows=rows)
