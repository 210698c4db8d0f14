"""A search as a report sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna

from platform.results.events import CAM_MIOU
from platform.results.objectives import OBJECTIVES, Objective
from platform.results.parameters import ParameterValue, short_names
from platform.results.trial_rows import TrialRow
from platform.search.confirmation.confirmed import Confirmed, ConfirmedSearch
from platform.search.front.judged import Front
from platform.search.report_file import ReportScore
from platform.search.space.checked import CheckedSpace
from platform.search.worth import Estimate, Fitted, Judgement, is_picked, judge_by
from toco_core.settings import Recipe

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


def changed(searched: Searched, number: int) -> dict[str, ParameterValue]:
    """Return the parameters of a trial that differ from the recipe's (trial 0)."""
    recipe, trial = searched.rows[0].params, searched.rows[number].params
    return {key: value for key, value in trial.items() if recipe.get(key) != value}
