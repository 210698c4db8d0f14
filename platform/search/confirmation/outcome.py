"""What the runs of a confirmation came to: a score of each, and a verdict on each configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from platform.search.confirmation.chosen import RECIPE, Configuration
from platform.search.confirmation.runs import runs_of, seed_of
from platform.search.live_trials import reason_of
from platform.search.report_file import ReportScore, read_report
from platform.search.setup import SearchSetup
from platform.statistics.study import Verdict, judge_study


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run; scores are 0..1.

    Attributes:
        number: of the trial in the study of the runs.
        tune: its last score on `tune`, of what the search maximised; None without one.
        report: its scores on `report`; None where it has not reached its end.
        reason: why it failed; empty where it did not.
    """

    configuration: Configuration
    number: int
    seed: int
    tune: float | None
    report: ReportScore | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a confirmation.

    Attributes:
        chosen: the configurations, the recipe first.
        runs: of all of them, seed by seed.
        verdicts: by the configuration's name, over the seeds that all of these have; one whose runs
            all failed has none, and nothing has one where the recipe's all did.
    """

    chosen: Sequence[Configuration]
    runs: Sequence[Run]
    verdicts: Mapping[str, Verdict]

    @property
    def seeds(self) -> list[int]:
        """The seeds that the verdicts are over."""
        return [*self.verdicts[RECIPE].scores] if self.verdicts else []


def is_scored(setup: SearchSetup, study: optuna.Study) -> bool:
    """Whether every run has ended, and all that reached their end have a score on `report`."""
    known = read_report(setup.directory)
    return all(
        trial.state.is_finished()
        and (trial.state is not TrialState.COMPLETE or trial.number in known)
        for trial in study.get_trials(deepcopy=False)
    )


def read_outcome(setup: SearchSetup, study: optuna.Study, chosen: list[Configuration]) -> Outcome:
    """Read what the runs came to.

    Args:
        setup: of the runs.
        study: of the runs.
        chosen: the configurations, the recipe first.
    """
    report = read_report(setup.directory)
    runs = [
        _run(setup, one, repeat, trial, report)
        for one in chosen
        for repeat, trial in enumerate(runs_of(study, one))
    ]
    return Outcome(chosen=chosen, runs=runs, verdicts=_verdicts(chosen, runs))


def _run(
    setup: SearchSetup,
    one: Configuration,
    repeat: int,
    trial: FrozenTrial,
    report: Mapping[int, ReportScore],
) -> Run:
    scores = trial.intermediate_values
    return Run(
        configuration=one,
        number=trial.number,
        seed=seed_of(setup, repeat),
        tune=scores[max(scores)] if scores else None,
        report=report.get(trial.number),
        reason=reason_of(trial),
    )


def _verdicts(chosen: Sequence[Configuration], runs: Sequence[Run]) -> Mapping[str, Verdict]:
    scores: dict[str, dict[int, float]] = {one.name: {} for one in chosen}
    for run in runs:
        score = run.report.maximised if run.report else None
        if score is not None:
            scores[run.configuration.name][run.seed] = score
    recipe = scores.pop(RECIPE)
    others = {name: row for name, row in scores.items() if row}
    shared = set(recipe).intersection(*others.values())
    return judge_study(recipe, others) if shared and others else {}
