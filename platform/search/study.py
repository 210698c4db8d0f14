"""The Optuna study: the one record of a search, opened again by whoever continues it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from platform.results.events import CAM_MIOU
from platform.results.objectives import OBJECTIVE_KEY
from platform.search.journal import Say, mend_journal, require_journal
from platform.search.retries import count_started
from platform.search.space.checked import CheckedSpace
from platform.search.study_setup import (
    describe_setup,
    differences,
    is_of_search,
    shown_differences,
)
from toco_core.messages import first_line

Forced: TypeAlias = Callable[[list[str], str], object]  # keys, and what differs in words
SETUP = "setup"  # the study attribute that says what is being searched


def default_storage(directory: Path) -> str:
    """Return the journal file that a search keeps in its directory."""
    return str(directory / "study.journal")


def open_storage(url: str, say: Say = print, *, alone: bool = False) -> BaseStorage:
    """Open a journal file (a path), or any storage that Optuna knows by its URL.

    Args:
        url: the path, or the URL.
        say: is told, in a line, if a journal was damaged.
        alone: no other process writes to it: a lock on it is one that was left.

    Raises:
        ValueError: If the file cannot be read, or nothing answers at the URL.
    """
    if "://" in url:
        try:
            return optuna.storages.get_storage(url)
        except (SQLAlchemyError, ImportError) as error:
            raise ValueError(f"study storage {url}: {first_line(error)}") from None
    path = Path(url).absolute()  # its lock is a link to it
    path.parent.mkdir(parents=True, exist_ok=True)
    require_journal(path)  # before anything is cut off it
    mend_journal(path, say, alone=alone)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"study storage {url}: not a journal of Optuna ({error})") from None


def open_study(
    storage: BaseStorage,
    name: str,
    space: CheckedSpace,
    *,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
    extra: Mapping[str, Any] | None = None,
    objectives: int = 1,
    forced: Forced | None = None,
) -> optuna.Study:
    """Create a study, or open the one that is there to go on with it.

    A new study begins with the configurations to try first: trial 0 is the recipe's own.

    Args:
        storage: Where the study lives.
        name: Its name there.
        space: What is searched, around which recipe.
        sampler: Proposes; it may be another one than before.
        pruner: Decides what is stopped early; it may be another one than before.
        extra: What else a score depends on, such as the data set; plain JSON values.
        objectives: How many are maximised, each for itself.
        forced: Is told what differs from before, and the study goes on; None refuses that.

    Raises:
        ValueError: If the study of that name searches something else.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=sampler,
        pruner=pruner,
        directions=[StudyDirection.MAXIMIZE] * objectives,
        load_if_exists=True,
    )
    setup = describe_setup(space, extra or {})
    if SETUP in study.user_attrs:
        _compare(study, setup, forced)
    elif study.get_trials(deepcopy=False):
        raise ValueError(f"study {name!r} was not made by this platform; choose another name")
    else:
        study.set_user_attr(SETUP, setup)
    _enqueue_starting_points(study, space)
    return study


def is_over(study: optuna.Study, budget: int) -> bool:
    """Whether so many trials have been started, and every one of them has ended."""
    trials = study.get_trials(deepcopy=False)
    return all(t.state != TrialState.RUNNING for t in trials) and count_started(trials) >= budget


def _enqueue_starting_points(study: optuna.Study, space: CheckedSpace) -> None:
    # They are the first trials of a study, in order: after a crash half-way, what is missing is the
    # rest of the list.
    for params in space.starting_points()[len(study.get_trials(deepcopy=False)) :]:
        study.enqueue_trial(params)


def objective_of(study: optuna.Study) -> str:
    """Return the name of what a study maximises; one of an earlier version, the CAM mIoU."""
    setup: Mapping[str, Any] = study.user_attrs.get(SETUP, {})
    return setup.get(OBJECTIVE_KEY, CAM_MIOU)


def is_new(study: optuna.Study) -> bool:
    """Whether no trial of a study has begun."""
    return all(trial.state is TrialState.WAITING for trial in study.get_trials(deepcopy=False))


def _compare(study: optuna.Study, new: Mapping[str, Any], forced: Forced | None) -> None:
    old = study.user_attrs[SETUP]
    keys = differences(old, new)
    if not keys:
        if new.keys() - old.keys():  # what is younger than the study is compared from now on
            study.set_user_attr(SETUP, {**new, **old})
        return
    shown = shown_differences(keys, old, new)
    name = study.study_name
    if any(map(is_of_search, keys)):
        raise ValueError(
            f"study {name!r} searches something else ({shown}); its scores would not be "
            "comparable: choose another name, or go back to its settings"
        )
    if forced is None:
        raise ValueError(
            f"study {name!r} was begun with something else ({shown}); its scores may not be "
            "comparable: go back to that, choose another name, or go on all the same by --force"
        )
    forced(keys, shown)
    study.set_user_attr(SETUP, dict(new))
