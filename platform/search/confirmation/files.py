"""What a confirmation leaves behind: `confirm.json`, and `confirm.parquet` with a row a run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from platform.results.parquet_files import write_table
from platform.results.tables import read_trials
from platform.search.confirmation.confirmed import CONFIRM_FILE, RUNS_FILE
from platform.search.confirmation.outcome import Outcome, Run
from platform.search.confirmation.words import METHOD, sentences
from platform.search.report_split import REPORT_PURPOSE
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.statistics.study import LEVEL, Verdict
from platform.train.plan import SCORING_PURPOSE
from toco_core.data.ledger import MaskLedger
from toco_core.files import replacing

_SCHEMA = pa.schema(
    [
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("trial", pa.int64(), nullable=False),  # of the search
        pa.field("number", pa.int64(), nullable=False),  # in trials.parquet beside this file
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("tune", pa.float64()),  # of what the search maximised, 0..1
        pa.field("report", pa.float64()),
        pa.field("report_miou", pa.float64()),  # of the CAMs; none where no mask was opened
        pa.field("report_aux", pa.float64()),
        pa.field("bkg", pa.float64()),
        pa.field("aux_bkg", pa.float64()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


def opened_masks(setup: SearchSetup, outcome: Outcome) -> MaskLedger:
    """Return the masks that all runs opened, and what for."""
    ledger = MaskLedger()
    for row in read_trials(setup.directory):
        ledger.record(TUNE_SPLIT, SCORING_PURPOSE, int(row.totals["mask_reads"]))
    for run in outcome.runs:
        if run.report is not None:
            ledger.record(REPORT_SPLIT, REPORT_PURPOSE, run.report.masks_opened)
    return ledger


def write_outcome(setup: SearchSetup, outcome: Outcome) -> None:
    """Write the verdicts as `confirm.json`, and a row for each run as `confirm.parquet`."""
    rows = [_row(run) for run in outcome.runs]
    write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), setup.directory / RUNS_FILE)
    text = json.dumps(_content(setup, outcome), indent=2, allow_nan=False)
    with replacing(setup.directory / CONFIRM_FILE) as unfinished:
        unfinished.write_text(text + "\n")


def _row(run: Run) -> dict[str, Any]:
    report = run.report
    return {
        "configuration": run.configuration.name,
        "trial": run.configuration.trial,
        "number": run.number,
        "seed": run.seed,
        "tune": run.tune,
        "report": report and report.maximised,
        "report_miou": report and report.miou,
        "report_aux": report and report.aux_miou,
        "bkg": report and report.bkg,
        "aux_bkg": report and report.aux_bkg,
        "reason": run.reason,
    }


def _content(setup: SearchSetup, outcome: Outcome) -> dict[str, Any]:
    masks = opened_masks(setup, outcome).counts.items()
    return {
        "search": setup.directory.parent.name,
        "objective": setup.objective.name,
        "split": REPORT_SPLIT,
        "seeds": outcome.seeds,
        "level": LEVEL,
        "method": METHOD,
        "findings": sentences(outcome),
        "configurations": [
            {
                "name": one.name,
                "trial": one.trial,
                "params": one.params,
                **_verdict_content(outcome.verdicts.get(one.name)),
            }
            for one in outcome.chosen
        ],
        "card": _shared_card(outcome),
        "masks_opened": [{**use._asdict(), "masks": count} for use, count in masks],
    }


def _shared_card(outcome: Outcome) -> dict[str, Any]:
    """Return the lines of the protocol card that all runs share; `report.json` has the others."""
    cards = [run.report.card.to_json() for run in outcome.runs if run.report and run.report.card]
    first = cards[0] if cards else {}
    return {name: v for name, v in first.items() if all(card[name] == v for card in cards)}


def _verdict_content(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"scores": {}}
    compared = verdict.comparison
    content: dict[str, Any] = {
        "scores": {str(seed): score for seed, score in verdict.scores.items()},
        "mean": verdict.interval.mean,
        "half_width": _number(verdict.interval.half_width),
        "sd": _number(verdict.sd),
        "probability_best": verdict.best,
    }
    if compared is not None:
        content["against_recipe"] = {
            **{name: _number(value) for name, value in asdict(compared.difference).items()},
            "p": compared.p,
            "verdict": "better" if compared.better else "not told apart",
            "seeds_to_tell": compared.seeds_to_tell,
            "least_told": _number(compared.least_told),
        }
    return content


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
