"""A session of a confirmation: as one of a search, but for what is scored and said at its end."""

from __future__ import annotations

import optuna
from rich.console import Console

from platform.command_line import shown_path
from platform.results.curves import read_curves
from platform.results.task_progress import task_progress
from platform.search.budget import Budget, worker_seconds
from platform.search.confirmation.chosen import Configuration
from platform.search.confirmation.outcome import read_outcome
from platform.search.confirmation.tables import finish
from platform.search.options import SearchOptions
from platform.search.report_file import read_report, write_report
from platform.search.report_split import score_on_report
from platform.search.session import Session
from platform.search.setup import REPORT_SPLIT, SearchSetup
from platform.search.trial_protocol import trial_directory
from platform.search.worth import complete_trials
from platform.train.run_checkpoints import delete_checkpoints
from platform.workers.executor import Executor


class ConfirmSession(Session):
    """Trains the runs that are left, several at once, and scores each once on `report`.

    No number of `report` is known before the last run has ended, so that nobody stops when the
    numbers please.

    Args:
        setup: of the runs.
        options: resources and budget; as many trials as there are runs.
        study: of the runs.
        console: where it is shown.
        chosen: the configurations, the recipe first.
    """

    count_images = 0  # nobody chooses among these runs

    def __init__(
        self,
        setup: SearchSetup,
        options: SearchOptions,
        study: optuna.Study,
        console: Console,
        chosen: list[Configuration],
    ) -> None:
        super().__init__(setup, options, study, console)
        self._chosen = chosen

    def _score(self, executor: Executor) -> None:
        known = read_report(self._setup.directory)
        trials = complete_trials(self._study)
        text = f"scoring on {REPORT_SPLIT}"
        done = sum(trial.number in known for trial in trials)
        with task_progress(self._console, text, len(trials), done=done) as task:
            for trial in trials:
                if trial.number in known:
                    continue
                known[trial.number] = score_on_report(self._setup, trial.number, executor)
                write_report(self._setup.directory, known)  # after each: masks are opened once
                task.advance()
        for trial in trials:
            delete_checkpoints(trial_directory(self._setup.trials_directory, trial.number))

    def _seconds_trained(self) -> float:
        """Count the search's own trials too: the budget is that of both."""
        search = read_curves(self._setup.directory.parent)
        return super()._seconds_trained() + worker_seconds(search, self._placement)

    def _conclude(self, budget: Budget) -> int:
        outcome = read_outcome(self._setup, self._study, self._chosen)
        return finish(self._setup, outcome, self._console)

    def _what_goes_on(self) -> str:
        other = f"python -m platform.confirm {shown_path(self._setup.directory.parent)}"
        way_on = (
            f"the same command, or {other}," if self._setup.store is None else "the same command"
        )
        return f"no number of {REPORT_SPLIT} was looked at, and {way_on} goes on"
