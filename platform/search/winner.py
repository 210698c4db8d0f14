"""The winner of a search: found, scored on images that the search never saw, and kept."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial
from rich.console import Console

from platform.search.best_files import BEST_CHECKPOINT, BEST_RECIPE, write_best
from platform.search.front.judged import judge_front
from platform.search.kept import forget_others
from platform.search.report_file import read_report, write_report
from platform.search.report_split import score_on_report
from platform.search.scores import has_several
from platform.search.setup import SearchSetup
from platform.search.space.checked import CheckedSpace
from platform.search.worth import best_complete, complete_trials, judge
from platform.workers.executor import Executor
from toco_core.files import archive_problem


def find_winner(study: optuna.Study, space: CheckedSpace) -> FrozenTrial | None:
    """Return the complete trial whose configuration is worth most by the model of all scores.

    The highest of several last scores is as much luck as merit. Where there are too few trials for
    a model, it is the one of the highest last score; None without a complete trial.
    """
    return best_complete(judge(study, space), study)


def is_reported(setup: SearchSetup, study: optuna.Study) -> bool:
    """Whether the winner's score on `report` is known, or there is no winner to score."""
    winner = find_winner(study, setup.space)
    return winner is None or winner.number in read_report(setup.directory)


def report_winner(
    setup: SearchSetup,
    study: optuna.Study,
    executor: Executor,
    console: Console,
) -> None:
    """Score winner and published configuration once on the `report` split, and keep the winner.

    Args:
        setup: of the search.
        study: its record.
        executor: of the evaluation workers.
        console: where the progress is shown.

    Raises:
        ValueError: the checkpoint of one of the two is gone.
    """
    winner = find_winner(study, setup.space)
    if winner is None:
        return
    known = read_report(setup.directory)
    chosen = {trial.number for trial in complete_trials(study)} & {0, winner.number}
    new = {
        number: score_on_report(setup, number, executor, console)
        for number in sorted(chosen - known.keys())
    }
    report = {**known, **new}
    write_best(setup, study, winner, report[winner.number].bkg)
    write_report(setup.directory, report)  # last: where it is, the rest is done
    # another one of the front may be picked later
    front = judge_front(study, setup.space).numbers if has_several(study) else ()
    forget_others(study, setup.trials_directory, chosen.union(front))


def restore_best(setup: SearchSetup, study: optuna.Study, *, anew: bool = False) -> list[str]:
    """Write `best.yaml` and `best.pt` of a finished search again, where one is gone or damaged.

    Args:
        setup: of the search.
        study: its record.
        anew: write them in any case, as where another trial of the front was picked.

    Returns:
        A line if it was so.
    """
    places = [setup.directory / name for name in (BEST_RECIPE, BEST_CHECKPOINT)]
    if not anew and all(map(Path.exists, places)) and not archive_problem(places[1]):
        return []
    winner = find_winner(study, setup.space)
    if winner is None:
        return []
    what = f"{BEST_RECIPE} and {BEST_CHECKPOINT} of {setup.directory}"
    try:
        write_best(setup, study, winner, read_report(setup.directory)[winner.number].bkg)
    except ValueError as error:
        return [f"{what} are gone or damaged, and cannot be made again: {error}"]
    why = "are made anew" if anew else "were gone or damaged: made again"
    return [f"{what} {why} from trial {winner.number}"]
