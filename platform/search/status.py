"""`python -m platform.search --status NAME`: where a search stands, read from its files alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from platform.command_line import shown_path
from platform.lock import is_held
from platform.mirror.files import fetch
from platform.mirror.lock import read_holder
from platform.results.estimate import search_seconds_left
from platform.results.formats import NOTHING, percent
from platform.results.plain_lines import best_text, counts_text
from platform.results.progress import print_line
from platform.results.search_state import SearchState
from platform.results.state_file import STATE_FILE, Word, known_state, read_word
from platform.results.status_line import expected_end, work_texts
from platform.results.summary import top_trials
from platform.results.tables import TRIALS_FILE
from platform.results.text_tables import TextTable, fit, to_rich
from platform.results.trial_rows import TrialRow, best_of
from platform.search.condition import Condition, condition_of, condition_text
from toco_core.remote_path import Place, RemotePath

_MOST_FAILURES = 3  # told with their reasons; all are in the table of trials


def print_status(name: str, reports: Place, *, as_json: bool) -> int:
    """Print where a search stands, whether it runs or not.

    Args:
        name: of the search.
        reports: where searches are kept.
        as_json: for programs.

    Raises:
        ValueError: there is no such search, or one of its files cannot be read.
    """
    if isinstance(reports, Path):
        directory = reports.absolute() / name
        return _print_status(name, reports, directory, is_held(directory), as_json=as_json)
    store = reports / name
    holder = read_holder(store)
    held = holder is not None and not holder.is_gone  # one that is silent may be, who knows
    with TemporaryDirectory(prefix="toco-") as copy:
        fetch(store, Path(copy), [STATE_FILE, TRIALS_FILE])
        return _print_status(name, reports, Path(copy), held, as_json=as_json)


def _print_status(name: str, reports: Place, directory: Path, held: bool, *, as_json: bool) -> int:
    """Print what the files in a directory say of a search, which some process holds or none."""
    word = read_word(directory)
    _require_search(directory, name, reports, held)
    now, console = time.time(), Console()
    state = known_state(directory, word)
    condition = condition_of(word, held, now)
    if as_json:
        print(json.dumps(status_record(state, word, condition, now), indent=2))
        return 0
    for line in status_lines(name, state, word, condition, now):
        print_line(console, line)
    for line in _failures(state):
        print_line(console, line)
    best = top_trials(state.trials, objective=state.objective)
    for table in (_in_work(state, condition), best):
        if table.rows:
            console.print()
            _print_table(table, console)
    return 0


def _print_table(table: TextTable, console: Console) -> None:
    """Print as many columns as there is room for, and name the others."""
    shown = fit(table, console.width)
    console.print(to_rich(shown))
    if left_out := table.columns[len(shown.columns) :]:
        names = ", ".join(left_out)
        print_line(console, f"no room in {console.width} columns, see {TRIALS_FILE}: {names}")


def _require_search(directory: Path, name: str, reports: Place, held: bool) -> None:
    if any((directory / file).exists() for file in (STATE_FILE, TRIALS_FILE)):
        return
    if held:
        raise ValueError(f"search {name} has only just begun, and knows nothing yet: ask again")
    if isinstance(reports, RemotePath):
        raise ValueError(f"--status {name}: there is no such search in {reports}")
    there = sorted(path.parent.name for path in reports.glob(f"*/{TRIALS_FILE}"))
    which = f"; there are {', '.join(there)}" if there else ""
    raise ValueError(f"--status {name}: there is no such search in {shown_path(reports)}{which}")


def status_lines(
    name: str, state: SearchState, word: Word | None, condition: Condition, now: float
) -> list[str]:
    """Say in a few lines where a search stands."""
    what = "run" if _is_run(state, word) else "search"
    lines = [f"{what} {name}: {condition_text(word, condition, now)}"]
    lines.append("  ".join(part for part in (counts_text(state), best_text(state)) if part))
    if condition in ("running", "silent"):
        lines.append("; ".join([*work_texts(state), expected_end(state, now)]))
    return lines


def _failures(state: SearchState) -> list[str]:
    """Say why trials failed, of the last few."""
    failed = [row for row in state.over if row.state == "failed" and row.reason]
    return [f"trial {row.number} failed: {row.reason}" for row in failed[-_MOST_FAILURES:]]


def _is_run(state: SearchState, word: Word | None) -> bool:
    """Whether the table is that of platform.train, which says in it what it was scored on."""
    return (
        word is None and state.trials != [] and all("split" in row.params for row in state.trials)
    )


def _in_work(state: SearchState, condition: Condition) -> TextTable:
    total = f"/{state.search.iterations}" if state.search else ""
    objective = state.objective
    return TextTable(
        title="Trials that were in work" if condition == "gone" else "Trials in work",
        columns=(
            "trial",
            "state",
            "machine",
            "iteration",
            "s a step",
            objective.heading,
            "retries",
        ),
        rows=[_cells(row, total, objective.field) for row in state.running],
        text_columns=3,
    )


def _cells(row: TrialRow, total: str, maximised: str) -> list[str]:
    return [
        str(row.number),
        row.state,
        row.machine or NOTHING,
        f"{row.iteration}{total}",
        NOTHING if row.step_seconds is None else f"{row.step_seconds:.2g}",
        percent(row.value(maximised)),
        str(row.retries),
    ]


def status_record(
    state: SearchState, word: Word | None, condition: Condition, now: float
) -> dict[str, Any]:
    """Return where a search stands as plain JSON values; times are s since 1970."""
    best, search = state.best, state.search
    return {
        "condition": condition,
        "phase": word.phase if word else None,
        "process": {"pid": word.pid, "host": word.host} if word else None,
        "heard": word.heard if word else None,
        "now": now,
        "trials": {
            "budget": search.trials if search else None,
            **{kind: state.count(kind) for kind in ("complete", "pruned", "failed", "unfinished")},
            **{kind: state.count(kind) for kind in ("waiting", "running", "scoring")},
        },
        "iterations": search.iterations if search else None,
        "objective": state.objective.name,
        "best": {"trial": best.number, "score": best.best_score} if best else None,
        "in_work": [_record(row, state.objective.field) for row in state.running],
        "scores_in_flight": state.scores_in_flight,
        "machines": state.machines,
        "retries": state.retries,
        "seconds_left": search_seconds_left(state, now) if condition == "running" else None,
    }


def _record(row: TrialRow, maximised: str) -> dict[str, Any]:
    names = ("number", "state", "iteration", "machine", "retries", "step_seconds")
    return {**{name: getattr(row, name) for name in names}, "score": best_of(row.value(maximised))}
