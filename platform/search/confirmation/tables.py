"""What a confirmation shows and leaves behind: a table, `confirm.json`, `confirm.parquet`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from rich.console import Console

from platform.command_line import FAILED, shown_path
from platform.results.formats import NOTHING, gain, percent
from platform.results.parameters import params_text
from platform.results.parquet_files import write_table
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.tables import read_trials
from platform.results.text_tables import TextTable, to_rich
from platform.search.confirmation.outcome import Outcome, Run
from platform.search.confirmation.words import METHOD, sentences
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT, SearchSetup
from platform.search.winner import REPORT_PURPOSE
from platform.statistics.study import LEVEL, Verdict
from platform.train.plan import SCORING_PURPOSE
from toco_core.data.ledger import MaskLedger
from toco_core.files import replacing

CONFIRM_FILE, RUNS_FILE = "confirm.json", "confirm.parquet"

_SCHEMA = pa.schema(
    [
        pa.field("configuration", pa.string(), nullable=False),
        pa.field("trial", pa.int64(), nullable=False),  # of the search
        pa.field("number", pa.int64(), nullable=False),  # in trials.parquet beside this file
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("tune", pa.float64()),  # CAM mIoU, 0..1
        pa.field("report", pa.float64()),
        pa.field("report_aux", pa.float64()),
        pa.field("bkg", pa.float64()),
        pa.field("aux_bkg", pa.float64()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


def finish(setup: SearchSetup, outcome: Outcome, console: Console) -> int:
    """Write and show the verdicts; return the exit status: 1 where there is none."""
    write_outcome(setup, outcome)
    return show_outcome(setup, outcome, console)


def show_outcome(setup: SearchSetup, outcome: Outcome, console: Console) -> int:
    """Print the table and the verdicts; return the exit status: 1 where there is no verdict."""
    tables = [score_table(outcome)] if outcome.verdicts else []
    for table in [*tables, _what_they_are(outcome), mask_table(_masks(setup, outcome))]:
        console.print()
        console.print(to_rich(table))
    console.print()
    for line in [*sentences(outcome), *_places(setup)]:
        print_line(console, line)
    return 0 if outcome.verdicts else FAILED


def score_table(outcome: Outcome) -> TextTable:
    """Return mean, interval, sd, difference and probability of each configuration."""
    rows = [_cells(name, verdict) for name, verdict in outcome.verdicts.items()]
    columns = ("configuration", "mean", "95 %", "sd", "difference", "95 %", "p", "best, %")
    count = len(outcome.seeds)
    return TextTable(
        title=f"CAM mIoU on {REPORT_SPLIT} in %, {count} seed{'s'[: count != 1]} each",
        columns=columns,
        rows=rows,
    )


def _cells(name: str, verdict: Verdict) -> list[str]:
    compared = verdict.comparison
    return [
        name,
        percent(verdict.interval.mean),
        _width(verdict.interval.half_width),
        percent(verdict.sd),
        gain(compared.difference.mean) if compared else NOTHING,
        _width(compared.difference.half_width) if compared else NOTHING,
        f"{compared.p:.3f}" if compared else NOTHING,
        f"{100 * verdict.best:.0f}",
    ]


def _what_they_are(outcome: Outcome) -> TextTable:
    rows = [[one.name, params_text(one.params)] for one in outcome.chosen]
    return TextTable(
        title="What was trained", columns=("configuration", "what"), rows=rows, text_columns=2
    )


def _width(half: float) -> str:
    return NOTHING if math.isnan(half) else f"±{100 * half:.1f}"


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
        "report": report and report.miou,
        "report_aux": report and report.aux_miou,
        "bkg": report and report.bkg,
        "aux_bkg": report and report.aux_bkg,
        "reason": run.reason,
    }


def _content(setup: SearchSetup, outcome: Outcome) -> dict[str, Any]:
    masks = _masks(setup, outcome).counts.items()
    return {
        "search": setup.directory.parent.name,
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


def _masks(setup: SearchSetup, outcome: Outcome) -> MaskLedger:
    ledger = MaskLedger()
    for row in read_trials(setup.directory):
        ledger.record(TUNE_SPLIT, SCORING_PURPOSE, int(row.totals["mask_reads"]))
    for run in outcome.runs:
        if run.report is not None:
            ledger.record(REPORT_SPLIT, REPORT_PURPOSE, run.report.masks_opened)
    return ledger


def _places(setup: SearchSetup) -> list[str]:
    shown = shown_path(setup.directory)
    return ["", f"verdict: {shown}/{CONFIRM_FILE}; a row for each run: {shown}/{RUNS_FILE}"]
