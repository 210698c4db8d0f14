"""The table of a running search, as tall as the terminal at most."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from platform.results.formats import duration, percent
from platform.results.parameters import short_names, value_text
from platform.results.search_state import SearchState
from platform.results.status_line import expected_end, work_texts
from platform.results.trial_rows import State, TrialRow

STATE_STYLES: dict[State, str] = {
    "waiting": "yellow",
    "running": "",
    "scoring": "cyan",
    "unfinished": "yellow",
    "complete": "green",
    "pruned": "dim",
    "failed": "red",
}
GAP = "    "
BAR_WIDTH = 14
OTHER_LINES = 7  # blank, 3 of the header, blank, the headings, and the line of what is not shown
# trial, bar and state with the gaps between them; not the scores, nor the iteration's digits.
OTHER_COLUMNS = 7 + (BAR_WIDTH + 2) + 3 + 10


def live_table(state: SearchState, now: float, width: int, height: int) -> RenderableType:
    """Draw the search at a moment.

    Args:
        state: the search.
        now: s since 1970.
        width: of the terminal, characters.
        height: of the terminal, lines; trials that do not fit are counted in a last line.
    """
    work = _work(state)
    rows = shown_rows(state, max(height - OTHER_LINES - len(work), 1))
    digits = len(str(state.search.iterations if state.search else 0))
    free = width - OTHER_COLUMNS - _numbers(state) - 2 * digits
    keys = shown_parameters(rows, state.trials, free)
    parts: list[RenderableType] = [
        Text(),
        _header(state, now, work),
        Text(),
        _trials(state, rows, keys),
    ]
    hidden = _hidden(state, rows, keys)
    return Group(*parts, *([Text(hidden, style="dim")] if hidden else []))


def _numbers(state: SearchState) -> int:
    """Return the width of the scores, in characters."""
    return sum(max(len(field.heading), len("0.43")) + 2 for field in state.objective.brief)


def shown_rows(state: SearchState, count: int) -> list[TrialRow]:
    """Choose trials: those that run first, then those that ended last; in order of number."""
    unfinished = [row for row in state.trials if row.state == "unfinished"]
    chosen = [*state.running, *unfinished, *reversed(state.over)][:count]
    return sorted(chosen, key=lambda row: row.number)


def shown_parameters(
    rows: Sequence[TrialRow], trials: Sequence[TrialRow], width: int
) -> dict[str, int]:
    """Choose the parameters that fit, those that differ between trials first.

    Returns:
        The width of each one's column, characters, in the order of the search space.
    """
    keys = list(dict.fromkeys(key for row in trials for key in row.params))
    names = short_names(keys)
    constant = {key for key in keys if len({row.params.get(key) for row in trials}) == 1}
    fitting: dict[str, int] = {}
    for key in sorted(keys, key=constant.__contains__):
        column = max(len(names[key]), *(len(value_text(row.params.get(key))) for row in rows))
        if sum(fitting.values()) + 2 * len(fitting) + column + 2 > width:
            break
        fitting[key] = column
    return {key: fitting[key] for key in keys if key in fitting}


def _work(state: SearchState) -> list[Text]:
    """Say in a line what waits, and how much runs; no line where there is nothing to say."""
    texts = work_texts(state) if state.ended is None else []
    return [Text(", ".join(texts))] if texts else []


def _header(state: SearchState, now: float, work: Sequence[Text]) -> RenderableType:
    assert state.search is not None, "SearchStarted is the first event"
    elapsed = (now if state.ended is None else state.ended) - state.began
    name = Text(state.search.name, style="bold")
    lines = [
        Text.assemble(name, GAP, _done(state)),
        _best(state),
        Text.assemble(f"elapsed {duration(elapsed)}", GAP, _expected_end(state, now)),
        *work,
    ]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _done(state: SearchState) -> Text:
    total = state.search.trials if state.search else len(state.rows)
    text = Text(f"{len(state.over)} of {total} trials done")
    text.append(f", {state.count('pruned')} pruned")
    failed = state.count("failed")
    return text.append(", ").append(f"{failed} failed", style="red" if failed else "")


def _best(state: SearchState) -> Text:
    best = state.best
    if best is None:
        return Text("no score yet", style="dim")
    score = Text.assemble(f"best {state.objective.heading} ", (percent(best.best_score), "bold"))
    return score.append(f" (trial {best.number})")


def _expected_end(state: SearchState, now: float) -> Text:
    if state.ended is not None:
        return Text("interrupted" if state.interrupted else "ended")
    return Text(expected_end(state, now))


def _trials(state: SearchState, rows: Sequence[TrialRow], keys: dict[str, int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    names = short_names(list(dict.fromkeys(key for row in state.trials for key in row.params)))
    table.add_column("trial", justify="right", no_wrap=True)
    for key in keys:
        table.add_column(names[key], justify="right", no_wrap=True)
    table.add_column("iteration", no_wrap=True)
    table.add_column("", no_wrap=True, justify="right")
    for field in state.objective.brief:
        table.add_column(field.heading, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, keys, state), style="dim" if row.state == "pruned" else "")
    return table


def _cells(row: TrialRow, keys: dict[str, int], state: SearchState) -> list[RenderableType]:
    budget = state.search.iterations if state.search else row.iteration
    is_best = state.best is not None and row.number == state.best.number
    colour = STATE_STYLES[row.state]
    scores = [field.text(row.value(field.name)) for field in state.objective.brief]
    return [
        str(row.number),
        *(value_text(row.params.get(key)) for key in keys),
        _bar(row, budget),
        f"{row.iteration}/{budget}",
        *(Text(text, style="bold" if is_best and not i else "") for i, text in enumerate(scores)),
        Text(row.state, style=colour),
    ]


def _bar(row: TrialRow, budget: int) -> ProgressBar:
    colour = STATE_STYLES[row.state] or "blue"
    return ProgressBar(
        budget, row.iteration, BAR_WIDTH, complete_style=colour, finished_style=colour
    )


def _hidden(state: SearchState, rows: Sequence[TrialRow], keys: dict[str, int]) -> str:
    parameters = {key for row in state.trials for key in row.params} - keys.keys()
    trials = len(state.rows) - len(rows)
    counts = [(trials, "trial"), (len(parameters), "parameter")]
    texts = [f"{count} more {what}{'s'[: count > 1]}" for count, what in counts if count]
    return f"{' and '.join(texts)} in trials.parquet" if texts else ""
