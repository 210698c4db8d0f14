"""What a search found, for its end on the terminal and for `summary.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from platform.results.events import SCORE_FIELDS
from platform.results.formats import NOTHING, duration, gain, percent
from platform.results.parameters import ParameterValue, short_names, value_text
from platform.results.run_tables import mask_table
from platform.results.score_fields import ScoreField
from platform.results.text_tables import TextTable, to_markdown, to_rich
from platform.results.trial_rows import TrialRow, best_of
from toco_core.data.ledger import MaskLedger

TOP_TRIALS = 5
BRIEF = [one for one in SCORE_FIELDS if one.brief]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A trial with its CAM mIoU, 0..1, on both splits; None where it was not evaluated.

    Attributes:
        tune, tune_aux: of the final and the auxiliary CAM on the split that the search looked at.
        report, report_aux: the same on the split that it did not look at.
    """

    number: int
    params: Mapping[str, ParameterValue]
    tune: float | None
    tune_aux: float | None
    report: float | None = None
    report_aux: float | None = None


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """What a search found.

    Attributes:
        trials: all of them, as `read_trials` returns them.
        default: the published configuration.
        winner: the best trial; None where no trial has a score.
        seconds: time spent, s.
        worth: of the configurations of complete trials, in words, by trial.
        findings: sentences on what may be concluded.
        masks: how many masks were opened, and what for.
        places: what was left behind, and where.
        card: how the winner's score on `report` was measured; only `summary.md` has room for it.
    """

    name: str
    trials: Sequence[TrialRow]
    default: Contender | None
    winner: Contender | None
    seconds: float
    worth: Mapping[int, str] = field(default_factory=dict)
    findings: Sequence[str] = ()
    masks: MaskLedger = field(default_factory=MaskLedger)
    places: Mapping[str, str] = field(default_factory=dict)
    card: TextTable | None = None


def summary_renderable(summary: SearchSummary) -> RenderableType:
    """Draw the summary for the terminal."""
    parts: list[RenderableType] = [Text(), Text(headline(summary), style="bold")]
    parts += map(Text, summary.findings)
    for table in summary_tables(summary):
        parts += [Text(), to_rich(table)]
    return Group(*parts)


def summary_markdown(summary: SearchSummary) -> str:
    """Write the summary as the text of `summary.md`."""
    sections = [f"# Search {summary.name}", headline(summary), *summary.findings]
    tables = [*summary_tables(summary), *([summary.card] if summary.card else [])]
    return "\n\n".join([*sections, *map(to_markdown, tables)]) + "\n"


def headline(summary: SearchSummary) -> str:
    """Say in one line how the trials ended and what time they took."""
    states = [row.state for row in summary.trials]
    counts = [f"{states.count(state)} {state}" for state in ("complete", "pruned", "failed")]
    unfinished = len(states) - sum(states.count(s) for s in ("complete", "pruned", "failed"))
    counts += [f"{unfinished} unfinished"] if unfinished else []
    return f"{len(states)} trials: {', '.join(counts)}, in {duration(summary.seconds)}"


def summary_tables(summary: SearchSummary) -> list[TextTable]:
    """Return the tables of the summary, those that have something to show."""
    best = top_trials(summary.trials, worth=summary.worth)
    tables = [best, _comparison(summary), _time(summary)]
    tables += [mask_table(summary.masks)] if summary.masks.total() else []
    places = [[what, where] for what, where in summary.places.items()]
    tables.append(
        TextTable(title="Where things are", columns=("what", "where"), rows=places, text_columns=2)
    )
    return [table for table in tables if table.rows]


def top_trials(
    trials: Sequence[TrialRow],
    count: int = TOP_TRIALS,
    worth: Mapping[int, str] | None = None,
) -> TextTable:
    """Return the trials with the highest final scores; complete ones before pruned ones."""
    scored = [row for row in trials if row.state != "failed" and best_of(row.score) is not None]
    ranked = sorted(scored, key=lambda row: (row.state != "complete", -(row.score or 0.0)))[:count]
    keys = list(dict.fromkeys(key for row in trials for key in row.params))
    names, extra = short_names(keys), ["worth"] if worth else []
    headings = [one.heading for one in _shown(worth or {})]
    return TextTable(
        title=f"Best {len(ranked)} of {len(trials)} trials, CAM mIoU in %",
        columns=["trial", "state", headings[0], *extra, *headings[1:], *(names[k] for k in keys)],
        rows=[_trial_cells(row, keys, worth or {}) for row in ranked],
        text_columns=2,
    )


def _shown(worth: Mapping[int, str]) -> list[ScoreField]:
    """Leave the auxiliary score to the next table where the worth takes its place: 80 columns."""
    return [one for one in BRIEF if not worth or one.name != "aux_score"]


def _trial_cells(row: TrialRow, keys: Sequence[str], worth: Mapping[int, str]) -> list[str]:
    extra = [worth.get(row.number, NOTHING)] if worth else []
    numbers = [field.text(row.value(field.name)) for field in _shown(worth)]
    return [
        str(row.number),
        row.state,
        *[numbers[0], *extra, *numbers[1:]],  # what the score is worth stands beside it
        *(value_text(row.params.get(key)) for key in keys),
    ]


def _comparison(summary: SearchSummary) -> TextTable:
    columns = ("CAM mIoU in %", "tune", "tune, aux", "report", "report, aux")
    default, winner = summary.default, summary.winner
    rows: list[list[str]] = []
    if default is not None:
        scores = map(percent, _scores(default))
        rows.append([f"published (trial {default.number})", *scores])
    if winner is not None:
        rows.append([f"winner (trial {winner.number})", *map(percent, _scores(winner))])
    if default is not None and winner is not None:
        pairs = zip(_scores(winner), _scores(default), strict=True)
        rows.append(["gain, points", *(gain(_difference(*pair)) for pair in pairs)])
    return TextTable(title="Published configuration and winner", columns=columns, rows=rows)


def _scores(trial: Contender) -> tuple[float | None, ...]:
    return trial.tune, trial.tune_aux, trial.report, trial.report_aux


def _difference(of: float | None, minus: float | None) -> float | None:
    return None if of is None or minus is None else of - minus


def _time(summary: SearchSummary) -> TextTable:
    training = sum(row.totals["seconds_training"] for row in summary.trials)
    scoring = sum(row.totals["seconds_scoring"] for row in summary.trials)
    rows = [
        ["the search", duration(summary.seconds)],
        ["training, all trials", duration(training)],
        ["scoring, all workers", duration(scoring)],
    ]
    return TextTable(title="Time spent", columns=("on", "time"), rows=rows)
