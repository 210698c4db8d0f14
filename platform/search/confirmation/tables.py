"""What a confirmation shows at its end."""

from __future__ import annotations

import math

from rich.console import Console

from platform.command_line import FAILED, shown_path
from platform.results.formats import NOTHING, gain, percent
from platform.results.parameters import params_text
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.text_tables import TextTable, to_rich
from platform.search.confirmation.confirmed import CONFIRM_FILE, RUNS_FILE
from platform.search.confirmation.files import opened_masks, write_outcome
from platform.search.confirmation.outcome import Outcome
from platform.search.confirmation.words import sentences
from platform.search.setup import REPORT_SPLIT, SearchSetup
from platform.statistics.study import Verdict


def finish(setup: SearchSetup, outcome: Outcome, console: Console) -> int:
    """Write and show the verdicts; return the exit status: 1 where there is none."""
    write_outcome(setup, outcome)
    return show_outcome(setup, outcome, console)


def show_outcome(setup: SearchSetup, outcome: Outcome, console: Console) -> int:
    """Print the table and the verdicts; return the exit status: 1 where there is no verdict."""
    tables = [score_table(outcome, setup.objective.heading)] if outcome.verdicts else []
    for table in [*tables, _what_they_are(outcome), mask_table(opened_masks(setup, outcome))]:
        console.print()
        console.print(to_rich(table))
    console.print()
    for line in [*sentences(outcome), *_places(setup)]:
        print_line(console, line)
    return 0 if outcome.verdicts else FAILED


def score_table(outcome: Outcome, heading: str) -> TextTable:
    """Return mean, interval, sd, difference and probability of each configuration.

    Args:
        outcome: of the confirmation.
        heading: of what the search maximised.
    """
    rows = [_cells(name, verdict) for name, verdict in outcome.verdicts.items()]
    columns = ("configuration", "mean", "95 %", "sd", "difference", "95 %", "p", "best, %")
    count = len(outcome.seeds)
    return TextTable(
        title=f"{heading} on {REPORT_SPLIT} in %, {count} seed{'s'[: count != 1]} each",
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


def _places(setup: SearchSetup) -> list[str]:
    shown = shown_path(setup.directory)
    return ["", f"verdict: {shown}/{CONFIRM_FILE}; a row for each run: {shown}/{RUNS_FILE}"]
