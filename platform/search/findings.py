"""What may be concluded from a search: in sentences, and as a table of what trials are worth."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pyarrow as pa
import pyarrow.parquet as pq
from optuna.trial import FrozenTrial

from platform.results.formats import gain, percent
from platform.search.scores import value_of
from platform.search.worth import Estimate, Judgement, complete_trials, is_picked
from toco_core.files import replacing

WORTH_FILE = "worth.parquet"

_SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),  # the last one; all are 0..1
        pa.field("worth", pa.float64(), nullable=False),
        pa.field("worth_interval", pa.float64()),  # half of 95 %
        pa.field("lead", pa.float64()),  # over trial 0
        pa.field("lead_interval", pa.float64()),
    ]
)


def write_worth(directory: Path, judgement: Judgement, study: optuna.Study) -> None:
    """Write a row for each complete trial: its last score, and what its configuration is worth."""
    rows = [_row(trial, judgement) for trial in complete_trials(study)]
    with replacing(directory / WORTH_FILE) as unfinished:
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), unfinished)


def _row(trial: FrozenTrial, judgement: Judgement) -> dict[str, float | None]:
    worth, lead = judgement.worth[trial.number], judgement.lead.get(trial.number)
    return {
        "number": trial.number,
        "score": value_of(trial),
        "worth": worth.value,
        "worth_interval": worth.half,
        "lead": lead.value if lead else None,
        "lead_interval": lead.half if lead else None,
    }


def findings(judgement: Judgement, study: optuna.Study, winner: FrozenTrial) -> list[str]:
    """Say how far scores can be trusted, who leads by what, and whether the lead counts."""
    parts = [_luck(judgement), _leaders(judgement, study, winner), _lead(judgement, study, winner)]
    return [part for part in parts if part]


def points(estimate: Estimate, between: str = " ") -> str:
    """Word an estimate in percentage points: 70.4 ±0.6."""
    half = "" if estimate.half is None else f"{between}±{100 * estimate.half:.1f}"
    return percent(estimate.value) + half


def _luck(judgement: Judgement) -> str:
    if judgement.luck is None:
        return ""
    apart = math.sqrt(2) * judgement.luck  # of two scores
    return (
        f"A last score is what its configuration is worth ±{100 * judgement.luck:.1f} points "
        f"(95 %): two that differ by less than {100 * apart:.1f} are not told apart by it."
    )


def _leaders(judgement: Judgement, study: optuna.Study, winner: FrozenTrial) -> str:
    highest = max(complete_trials(study), key=lambda trial: value_of(trial) or 0.0)
    score = value_of(highest) or 0.0
    if score <= (value_of(winner) or 0.0) or is_picked(study, winner.number):
        return ""  # whoever picked it had another reason than its worth
    worths = [points(judgement.worth[trial.number]) for trial in (winner, highest)]
    return (
        f"Trial {highest.number} has the highest last score, {percent(score)}, but by all "
        f"scores trial {winner.number} is worth more: {worths[0]} against {worths[1]}."
    )


def _lead(judgement: Judgement, study: optuna.Study, winner: FrozenTrial) -> str:
    lead = judgement.lead.get(winner.number)
    if winner.number == 0:
        return (
            ""
            if is_picked(study, 0)
            else "No configuration is worth more than the recipe (trial 0)."
        )
    if lead is None or lead.half is None:
        return ""
    verdict = "is" if abs(lead.value) > lead.half else "is not"  # one that was picked may be worse
    return (
        f"The winner (trial {winner.number}) leads the recipe by {gain(lead.value)} "
        f"±{100 * lead.half:.1f} points: it {verdict} told apart from it."
    )
