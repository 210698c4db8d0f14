"""Reads the directory of a search for a report; of a running search, what there is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import optuna

from platform.command_line import RECIPE_FILE
from platform.lock import is_held
from platform.report.searched import ScoreRow, Searched
from platform.report.space import space_of
from platform.results.curves import read_curves
from platform.results.objectives import find_objective
from platform.results.search_state import from_rows
from platform.results.state_file import read_word
from platform.results.tables import read_trials
from platform.results.trial_rows import TrialRow
from platform.search.condition import SILENT_SECONDS, condition_of
from platform.search.confirmation.confirmed import read_confirmation
from platform.search.front.judged import judge_front
from platform.search.report_file import read_report
from platform.search.scores import has_several
from platform.search.study import SETUP, default_storage, objective_of, open_storage
from platform.search.worth import best_complete, fit_trials, judge_complete
from toco_core.settings.overrides import load_recipe


def read_search(directory: Path, storage: str | None = None) -> Searched:
    """Read a search.

    Args:
        directory: of the search.
        storage: Optuna's URL, if its study is elsewhere.

    Raises:
        ValueError: it is not the directory of a search, or has no trial yet; with the way out.
    """
    directory = directory.absolute()
    study = _open_study(directory, storage)
    trials = _read_trials(directory)
    if not trials:
        raise ValueError(f"{directory}: no trial has begun, so that there is nothing to report")
    recipe = load_recipe(str(directory / RECIPE_FILE))
    setup = study.user_attrs.get(SETUP, {})
    space = space_of(directory, study, recipe, setup)
    fitted = fit_trials(study, space)
    judgement = judge_complete(study, fitted)
    winner = best_complete(judgement, study)
    return Searched(
        name=directory.name,
        directory=directory,
        made_by=_made_by(directory / RECIPE_FILE),
        recipe=recipe,
        study=study,
        space=space,
        setup=setup,
        trials=trials,
        scores=_by_trial(read_curves(directory)),
        report=read_report(directory),
        confirmation=read_confirmation(directory),
        fitted=fitted,
        judgement=judgement,
        winner=None if winner is None else winner.number,
        objective=find_objective(objective_of(study)),
        front=judge_front(study, space) if has_several(study) else None,
    )


def _read_trials(directory: Path) -> Sequence[TrialRow]:
    """Read the trials; what a process had in work that is gone, is unfinished."""
    trials, word, now = read_trials(directory), read_word(directory), time.time()
    is_gone = word is not None and condition_of(word, is_held(directory), now) == "gone"
    # The copy of a search in a store shows no lock: only silence says that its process is gone.
    if word is not None and is_gone and now - word.heard > SILENT_SECONDS:
        return from_rows(trials).trials
    return trials


def is_search(directory: Path) -> bool:
    """Whether a directory is that of a search whose study lies in it."""
    return Path(default_storage(directory)).is_file() and (directory / RECIPE_FILE).is_file()


def _open_study(directory: Path, storage: str | None) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = default_storage(directory)
    if not (directory / RECIPE_FILE).is_file():
        raise ValueError(f"{directory} is not the directory of a search: it has no {RECIPE_FILE}")
    if storage is None and not Path(journal).is_file():
        raise ValueError(
            f"{directory} has no study.journal; if its study is elsewhere, add --study"
        )
    opened = open_storage(storage or journal)
    names = optuna.get_all_study_names(opened)
    name = names[0] if storage is None and len(names) == 1 else directory.name  # may be renamed
    if name not in names:
        raise ValueError(f"study storage {storage or journal}: it has no study {name!r}")
    return optuna.load_study(study_name=name, storage=opened)


def _made_by(recipe: Path) -> str:
    first = recipe.read_text("utf-8").partition("\n")[0]
    return first.partition("Made by: ")[2] if first.startswith("#") else ""


def _by_trial(rows: Sequence[ScoreRow]) -> dict[int, list[ScoreRow]]:
    found: dict[int, list[ScoreRow]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(row)
    return found
