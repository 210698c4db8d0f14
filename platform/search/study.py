"""The Optuna study: the one record of a search, opened again by whoever continues it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from platform.results.events import CAM_MIOU
from platform.results.objectives import OBJECTIVE_KEY
from platform.search.space.checked import CheckedSpace
from toco_core.messages import first_line
from toco_core.settings import Recipe

RANGE_OF = "range of "  # and the key of a searched setting, in the setup
SETUP_ATTRIBUTE = "setup"  # the study attribute that says what is being searched


def default_storage(directory: Path) -> str:
    """Return the journal file that a search keeps in its directory."""
    return str(directory / "study.journal")


def open_storage(url: str) -> BaseStorage:
    """Open a journal file (a path), or any storage that Optuna knows by its URL.

    Raises:
        ValueError: If the file cannot be read, or nothing answers at the URL.
    """
    if "://" in url:
        try:
            return optuna.storages.get_storage(url)
        except (SQLAlchemyError, ImportError) as error:
            raise ValueError(f"study storage {url}: {first_line(error)}") from None
    path = Path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    _require_journal(path)  # before anything is cut off it
    drop_torn_line(path)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"study storage {url}: not a journal of Optuna ({error})") from None


def _require_journal(path: Path) -> None:
    """Refuse a file of the user's that is something else, before it is written to."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        beginning = file.read(200)
    if beginning and not (beginning.startswith(b"{") and b'"op_code"' in beginning):
        is_database = beginning.startswith(b"SQLite format")
        way_out = f"give its URL: sqlite:///{path}" if is_database else "name another file"
        raise ValueError(f"study storage {path}: not a journal of Optuna; {way_out}")


def drop_torn_line(journal: Path) -> None:
    """Cut off the half-written last line that a crash may leave in a journal.

    Optuna skips such a line, but appends the next one to it, and the file is lost for good.
    """
    if not journal.exists():
        return
    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()  # nobody else is in the middle of writing
    try:
        content = journal.read_bytes()
        if content and not content.endswith(b"\n"):
            with journal.open("r+b") as file:
                file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()


def open_study(
    storage: BaseStorage,
    name: str,
    space: CheckedSpace,
    *,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
    extra: Mapping[str, Any] | None = None,
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

    Raises:
        ValueError: If the study of that name searches something else.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=sampler,
        pruner=pruner,
        direction="maximize",
        load_if_exists=True,
    )
    setup = describe_setup(space, extra or {})
    if SETUP_ATTRIBUTE in study.user_attrs:
        _refuse_other(name, study.user_attrs[SETUP_ATTRIBUTE], setup)
    elif study.get_trials(deepcopy=False):
        raise ValueError(f"study {name!r} was not made by this platform; choose another name")
    else:
        study.set_user_attr(SETUP_ATTRIBUTE, setup)
    _enqueue_starting_points(study, space)
    return study


def is_over(study: optuna.Study, budget: int) -> bool:
    """Whether so many trials have been started, and every one of them has ended."""
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    return TrialState.RUNNING not in states and sum(s.is_finished() for s in states) >= budget


def _enqueue_starting_points(study: optuna.Study, space: CheckedSpace) -> None:
    # They are the first trials of a study, in order: after a crash half-way, what is missing is the
    # rest of the list.
    for params in space.starting_points()[len(study.get_trials(deepcopy=False)) :]:
        study.enqueue_trial(params)


def describe_setup(space: CheckedSpace, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what decides the scores of a study, as flat JSON values under readable names."""
    setup = {f"recipe {key}": value for key, value in _flat(space.recipe.model_dump(mode="json"))}
    setup |= range_texts(space)
    setup["constraints"] = [condition.text for condition in space.space.constraints]
    setup["known"] = [dict(values) for values in space.space.known]
    setup["backbone depth"] = space.depth
    return json.loads(json.dumps({**setup, **extra}))  # as it comes back from the storage


def range_texts(space: CheckedSpace) -> dict[str, str]:
    """Describe the range of every searched setting, under readable names."""
    texts: dict[str, str] = {}
    for parameter in space.space.parameters:
        when = f" when {parameter.when.text}" if parameter.when else ""
        log = " log" if parameter.log else ""
        texts[RANGE_OF + parameter.key] = f"{parameter.kind} {parameter.describe()}{log}{when}"
    return texts


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in tree.items():
        inside = isinstance(value, Mapping)
        pairs += _flat(value, f"{prefix}{name}.") if inside else [(prefix + name, value)]
    return pairs


def _refuse_other(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    # A setting that is younger than the study was what its default now is.
    defaults = {f"recipe {key}": value for key, value in _flat(Recipe().model_dump(mode="json"))}
    defaults[OBJECTIVE_KEY] = CAM_MIOU
    old = {**{key: defaults[key] for key in new if key in defaults}, **old}
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if keys:
        changes = "; ".join(f"{key}: {old.get(key)} -> {new.get(key)}" for key in keys[:3])
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        raise ValueError(
            f"study {name!r} searches something else ({changes}{more}); its scores would not be "
            "comparable: choose another name, or go back to its settings"
        )
