"""What the directory of a search holds, read for a report; of a running search, what there is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna

from platform.command_line import RECIPE_FILE
from platform.lock import is_held
from platform.report.space import space_of
from platform.results.curves import read_curves
from platform.results.events import CAM_MIOU
from platform.results.objectives import OBJECTIVES, Objective, find_objective
from platform.results.parameters import ParameterValue, short_names
from platform.results.search_state import from_rows
from platform.results.state_file import read_word
from platform.results.tables import read_trials
from platform.results.trial_rows import TrialRow
from platform.search.confirmation.confirmed import Confirmed, ConfirmedSearch, read_confirmation
from platform.search.front.judged import Front, judge_front
from platform.search.report_file import ReportScore, read_report
from platform.search.scores import has_several
from platform.search.space.checked import CheckedSpace
from platform.search.status import SILENT_SECONDS, condition_of
from platform.search.study import SETUP, default_storage, objective_of, open_storage
from platform.search.worth import (
    Estimate,
    Fitted,
    Judgement,
    best_complete,
    fit_trials,
    is_picked,
    judge_by,
    judge_complete,
)
from toco_core.settings import Recipe
from toco_core.settings.overrides import load_recipe

ScoreRow = Mapping[str, Any]  # of curves.parquet


@dataclass(frozen=True, kw_only=True)
class Searched:
    """A search as its directory has it.

    Attributes:
        made_by: the command line that the search was last started with.
        setup: what its scores depend on, flat, as the study has it.
        trials: rows of `trials.parquet`.
        scores: rows of `curves.parquet` by trial, in the order of iterations.
        report: scores on the `report` split, by trial.
        confirmation: on fresh seeds; None where there was none.
        fitted: the model of its learning curves; None with too few trials.
        judgement: what complete trials are worth.
        winner: the number of the trial that is worth most, or was picked; None before one is
            complete.
        objective: what was maximised.
        front: of several objectives; None of one.
    """

    name: str
    directory: Path
    made_by: str
    recipe: Recipe
    study: optuna.Study
    space: CheckedSpace
    setup: Mapping[str, Any]
    trials: Sequence[TrialRow]
    scores: Mapping[int, Sequence[ScoreRow]]
    report: Mapping[int, ReportScore]
    confirmation: ConfirmedSearch | None
    fitted: Fitted | None
    judgement: Judgement
    winner: int | None
    objective: Objective = OBJECTIVES[CAM_MIOU]
    front: Front | None = None

    @cached_property
    def rows(self) -> Mapping[int, TrialRow]:
        """The trials by number."""
        return {row.number: row for row in self.trials}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """A short name for each parameter."""
        return short_names(one.key for one in self.space.space.parameters)

    @cached_property
    def worth(self) -> Mapping[int, Estimate]:
        """What the configuration of every trial with a score is worth, that of pruned ones too."""
        if self.fitted is None:
            return self.judgement.worth
        scored = [one for one in self.fitted.trials if len(one.scores) and not one.failed]
        return judge_by(self.fitted.model, scored).worth

    @property
    def confirmed_winner(self) -> Confirmed | None:
        """What fresh seeds said of the winner; None where they said nothing."""
        if self.confirmation is None or self.winner in (None, 0):
            return None
        found = self.confirmation.of(self.winner)
        return found if found and found.against else None

    @property
    def is_picked(self) -> bool:
        """Whether somebody picked the winner off the front, where it need not be worth most."""
        return is_picked(self.study, self.winner)

    @property
    def heading(self) -> str:
        """How columns and axes call what was maximised; of several objectives, the first."""
        return self.objective.heading

    def score_of(self, row: ScoreRow) -> float:
        """Return what was maximised, of a row of `curves.parquet`; 0..1."""
        return float(row[self.objective.field])

    def last_score(self, row: TrialRow) -> float | None:
        """Return what was maximised, of a trial's latest score; 0..1."""
        return row.value(self.objective.field)

    @property
    def is_over(self) -> bool:
        """Whether every trial that was begun has ended."""
        return all(row.is_over for row in self.trials)

    @property
    def class_names(self) -> Sequence[str]:
        """C + 1 names, background first."""
        return ("background", *self.setup.get("classes", ()))

    def contenders(self) -> dict[str, int]:
        """Return recipe and winner by what figures call them, those that are complete."""
        found = {"recipe": 0} if 0 in self.judgement.worth else {}
        if self.winner not in (None, 0):
            found["winner"] = self.winner
        return found


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


def changed(searched: Searched, number: int) -> dict[str, ParameterValue]:
    """Return the parameters of a trial that differ from the recipe's (trial 0)."""
    recipe, trial = searched.rows[0].params, searched.rows[number].params
    return {key: value for key, value in trial.items() if recipe.get(key) != value}
