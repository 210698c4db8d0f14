"""Opens what there is of a search: its study, and what has to be mended of its directory."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import TrialState

from platform.search.earlier import EarlierSearch
from platform.search.journal import Say
from platform.search.options import SearchOptions
from platform.search.pruners import make_pruner
from platform.search.repair import repair
from platform.search.samplers import make_sampler
from platform.search.setup import SearchSetup
from platform.search.study import default_storage, is_new, open_storage, open_study
from platform.search.study_setup import begins_trials_anew
from platform.search.trial_protocol import trial_directory
from platform.train.run_checkpoints import delete_checkpoints, list_checkpoints
from toco_core.remote_path import Place, RemotePath

_DIRECTORY = "directory"  # the study attribute that says which search a study in no directory is of


def open_search(
    setup: SearchSetup,
    options: SearchOptions,
    say: Say,
    earlier: Sequence[EarlierSearch] = (),
) -> optuna.Study:
    """Create the study of a search, or open the one that is there to go on with it.

    Args:
        setup: of the search.
        options: of the command.
        say: is told, in a line each, what was damaged, and what goes on by force.
        earlier: searches to learn from.

    Raises:
        ValueError: the study searches something else, or is gone while its trials are there.
    """
    url = options.study or default_storage(setup.directory)
    has_begun = Path(url).is_file()
    study, forced = _open_study(setup, options, url, say, earlier)
    if options.study:
        _require_own(study, setup, say, force=options.force)
    if begins_trials_anew(forced):
        _forget_unfinished(setup, study)
    if setup.store is not None and has_begun:
        _forget_unknown(setup.store / "trials", study)
    if is_new(study):
        _require_no_trials(setup, url, say, force=options.force)
    iterations, maximised = setup.space.recipe.iterations, setup.objective.field
    for line in repair(setup.directory, study, iterations, maximised):
        say(line)
    return study


def _open_study(
    setup: SearchSetup,
    options: SearchOptions,
    url: str,
    say: Say,
    earlier: Sequence[EarlierSearch],
) -> tuple[optuna.Study, list[str]]:
    """Open the study at a URL; return too what --force goes on with although it differs."""
    forced = list[str]()

    def go_on_all_the_same(keys: list[str], shown: str) -> None:
        say(f"warning: --force goes on with a study that was begun with something else ({shown})")
        forced.extend(keys)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    objectives = len(setup.objective.parts)
    study = open_study(
        open_storage(url, say, alone=not options.study),  # with the directory, which is held
        setup.name,
        setup.space,
        sampler=make_sampler(options.sampler, setup.space, options.seed, earlier),
        pruner=make_pruner(options.pruner, setup.space.recipe.iterations, objectives),
        extra=setup.fingerprint(),
        objectives=objectives,
        forced=go_on_all_the_same if options.force else None,
    )
    return study, forced


def _require_own(study: optuna.Study, setup: SearchSetup, say: Say, *, force: bool) -> None:
    """Require that no other directory works on a study that lies in none.

    A session holds its directory, and takes up every trial of the study that is not finished: the
    trials of two directories would be trained twice.
    """
    own = str(setup.kept_in if setup.store else setup.directory.absolute())
    if _DIRECTORY not in study.user_attrs:
        study.set_user_attr(_DIRECTORY, own)  # and read again below: another may have begun too
    owner = study.user_attrs[_DIRECTORY]
    if owner == own:
        return
    if not force:
        raise ValueError(
            f"study {study.study_name!r} belongs to the search in {owner}: go on there "
            "(--reports), choose another --name, or, if that was moved here, add --force"
        )
    study.set_user_attr(_DIRECTORY, own)
    say(f"warning: --force goes on here with the study of the search in {owner}")


def _forget_unfinished(setup: SearchSetup, study: optuna.Study) -> None:
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        delete_checkpoints(trial_directory(setup.trials_directory, trial.number))


def _forget_unknown(trials: RemotePath, study: optuna.Study) -> None:
    """Delete checkpoints of trials that the record does not know yet, or any more.

    A driver that died has put its last seconds of the record into no store, while the machines
    that train have put their checkpoints there.
    """
    begun = (t.number for t in study.get_trials(deepcopy=False) if t.state != TrialState.WAITING)
    known = {trial_directory(trials, number).name for number in begun}
    for name in {name.partition("/")[0] for name in trials.files()} - known:
        (trials / name).remove()


def _require_no_trials(setup: SearchSetup, url: str, say: Say, *, force: bool) -> None:
    """Require that a study without trials has none on the disk: they would be taken for others."""
    trials = setup.trials_directory
    if not _has_checkpoints(trials):
        return
    if not force:
        raise ValueError(
            f"{trials} holds checkpoints of trials that the study knows nothing of (was {url} "
            "removed?): put it back, choose another --name, or begin anew without them by --force"
        )
    if isinstance(trials, RemotePath):
        trials.remove()
    else:
        shutil.rmtree(trials)
    say(f"warning: --force begins anew; the checkpoints in {trials} are deleted")


def _has_checkpoints(trials: Place) -> bool:
    if isinstance(trials, RemotePath):
        return bool(trials.files())
    return any(map(list_checkpoints, trials.glob("trial-*")))
