"""What a search found, for its end on the terminal and for `summary.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from platform.results.events import CAM_MIOU
from platform.results.formats import NOTHING, duration, gain, percent
from platform.results.objectives import OBJECTIVES, Objective
from platform.results.parameters import ParameterValue, short_names, value_text
from platform.results.run_tables import mask_table
from platform.results.score_fields import ScoreField
from platform.results.text_tables import TextTable, to_markdown, to_rich
from platform.results.trial_rows import TrialRow, best_of
from toco_core.data.ledger import MaskLedger

TOP_TRIALS = 5


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A trial with its CAM mIoU, 0..1, on both splits; None where it was not evaluated.

    Attributes:
        tune, tune_aux: of the final and the auxiliary CAM on the split that the search looked at.
        report, report_aux: the same on the split that it did not look at.
        objective, report_objective: what the search maximised, on both splits.
        others: its other objectives, by the headings of their columns.
    """

    number: int
    params: Mapping[str, ParameterValue]
    tune: float | None
    tune_aux: float | None
    report: float | None = None
    report_aux: float | None = None
    objective: float | None = None
    report_objective: float | None = None
    others: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """What a search found.

    Attributes:
        trials: all of them, as `read_trials` returns them.
        objective: what was maximised.
        default: the published configuration.
        winner: the best trial; None where no trial has a score.
        seconds: time spent, s.
        worth: of the configurations of complete trials, in words, by trial.
        findings: sentences on what may be concluded.
        masks: how many masks were opened, and what for.
        places: what was left behind, and where.
        front: of several objectives; None of one.
        card: how the winner's score on `report` was measured; only `summary.md` has room for it.
    """

    name: str
    trials: Sequence[TrialRow]
    default: Contender | None
    winner: Contender | None
    seconds: float
    objective: Objective = OBJECTIVES[CAM_MIOU]
    worth: Mapping[int, str] = field(default_factory=dict)
    findings: Sequence[str] = ()
    masks: MaskLedger = field(default_factory=MaskLedger)
    places: Mapping[str, str] = field(default_factory=dict)
    front: TextTable | None = None
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
    best = top_trials(summary.trials, worth=summary.worth, objective=summary.objective)
    front = [summary.front] if summary.front else []
    tables = [*front, best, _comparison(summary), _time(summary)]
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
    objective: Objective = OBJECTIVES[CAM_MIOU],
) -> TextTable:
    """Return the trials with the highest final scores; complete ones before pruned ones."""
    told = {row.number: best_of(row.value(objective.field)) for row in trials}
    scored = [row for row in trials if row.state != "failed" and told[row.number] is not None]

    def rank(row: TrialRow) -> tuple[bool, float]:
        return row.state != "complete", -(told[row.number] or 0.0)

    ranked = sorted(scored, key=rank)[:count]
    shown = _shown(objective, worth or {})
    keys = list(dict.fromkeys(key for row in trials for key in row.params))
    names, extra = short_names(keys), ["worth"] if worth else []
    headings = [one.heading for one in shown]
    return TextTable(
        title=f"Best {len(ranked)} of {len(trials)} trials, {headings[0]} in %",
        columns=["trial", "state", headings[0], *extra, *headings[1:], *(names[k] for k in keys)],
        rows=[_trial_cells(row, keys, worth or {}, shown) for row in ranked],
        text_columns=2,
    )


def _shown(objective: Objective, worth: Mapping[int, str]) -> list[ScoreField]:
    """Leave out the second number where the worth takes its place: 80 columns."""
    first, *others = objective.brief
    return [first, *others[bool(worth) and not objective.others :]]


def _trial_cells(
    row: TrialRow, keys: Sequence[str], worth: Mapping[int, str], shown: Sequence[ScoreField]
) -> list[str]:
    extra = [worth.get(row.number, NOTHING)] if worth else []
    numbers = [field.text(row.value(field.name)) for field in shown]
    return [
        str(row.number),
        row.state,
        *[numbers[0], *extra, *numbers[1:]],  # what the score is worth stands beside it
        *(value_text(row.params.get(key)) for key in keys),
    ]


def _comparison(summary: SearchSummary) -> TextTable:
    default, winner = summary.default, summary.winner
    columns = _compared(summary.objective)
    names = {f"published (trial {default.number})": default} if default else {}
    names |= {f"winner (trial {winner.number})": winner} if winner else {}
    numbers = {name: _numbers(one, columns) for name, one in names.items()}
    rows = [[name, *map(percent, values)] for name, values in numbers.items()]
    if default is not None and winner is not None:
        pairs = zip(_numbers(winner, columns), _numbers(default, columns), strict=True)
        rows.append(["gain, points", *(gain(_difference(*pair)) for pair in pairs)])
    what = "CAM mIoU in %" if summary.objective.needs_masks else "in %"
    title = "Published configuration and winner"
    others = winner.others if winner else ()
    return TextTable(title=title, columns=(what, *columns.values(), *others), rows=rows)


def _numbers(one: Contender, columns: Mapping[str, str]) -> list[float | None]:
    return [*(getattr(one, name) for name in columns), *one.others.values()]


def _compared(objective: Objective) -> dict[str, str]:
    """Return which numbers of a contender stand beside each other, with their headings."""
    own = {
        "objective": f"{objective.heading}, tune",
        "report_objective": f"{objective.heading}, report",
    }
    miou = {
        "tune": "tune",
        "tune_aux": "tune, aux",
        "report": "report",
        "report_aux": "report, aux",
    }
    if objective.field in ("score", "aux_score"):
        return miou
    return {**own, **miou} if objective.needs_masks else own


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
