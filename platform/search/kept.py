"""Which checkpoints of complete trials a search keeps, and what all its checkpoints take."""

from __future__ import annotations

import shutil
from collections.abc import Collection

import numpy as np
import optuna

from platform.search.front.weighting import front_order
from platform.search.setup import REPORT_SPLIT
from platform.search.trial_protocol import trial_directory
from platform.search.worth import complete_trials, forgotten, record_forgotten
from platform.train.run_checkpoints import delete_checkpoints, list_checkpoints
from toco_core.remote_path import Place, RemotePath

# Of a running trial: one that waits for its score, the next, and one that is being written.
_OF_A_RUNNING_TRIAL = 3


def keep_best(study: optuna.Study, trials_directory: Place, count: int) -> None:
    """Keep the checkpoints of trial 0 and of so many complete trials with the highest last scores.

    Whoever is among the best of all trials was among the best of those before, so that the order
    in which trials end does not matter. Of several objectives, the best are the front, its ends
    first, then what would be the front without it.
    """
    complete = complete_trials(study)
    values = np.array([trial.values for trial in complete]).reshape(-1, len(study.directions))
    best = [complete[place].number for place in front_order(values, count)]
    forget_others(study, trials_directory, {0, *best})


def forget_others(study: optuna.Study, trials_directory: Place, keep: Collection[int]) -> None:
    """Delete the checkpoints of all complete trials but some; they can no longer win."""
    others = [trial.number for trial in complete_trials(study) if trial.number not in keep]
    if not forgotten(study).issuperset(others):  # before they are deleted: none may win then
        record_forgotten(study, others)
    for number in others:
        delete_checkpoints(trial_directory(trials_directory, number))


def last_checkpoint(trials_directory: Place, number: int) -> Place:
    """Return the last checkpoint of a trial that may win.

    Raises:
        ValueError: it is gone.
    """
    directory = trial_directory(trials_directory, number)
    checkpoints = list_checkpoints(directory)
    if not checkpoints:
        raise ValueError(
            f"the checkpoint of trial {number} is gone from {directory}, so that its score on the "
            f"{REPORT_SPLIT} split cannot be known; search again under another --name"
        )
    return checkpoints[-1]


def disk_line(
    directory: Place, checkpoint_bytes: float, concurrent: int, keep: int, prefixes: int = 0
) -> str:
    """Say what the checkpoints of a search take at most, and what is free.

    Args:
        directory: of the trials' checkpoints; what is free in an object store, nobody knows.
        checkpoint_bytes: of one.
        concurrent: trials at once.
        keep: complete trials whose checkpoints are kept, beside trial 0.
        prefixes: that trials share, at most.
    """
    count = _OF_A_RUNNING_TRIAL * concurrent + keep + prefixes + 2  # trial 0, and best.pt
    most = count * checkpoint_bytes
    shared = f", and of {prefixes} shared prefixes," if prefixes else ""
    line = (
        f"a checkpoint takes about {_size(checkpoint_bytes)}; with those of trial 0 and of "
        f"the {keep} highest last scores (--keep){shared} all take {_size(most)} at most"
    )
    if isinstance(directory, RemotePath):
        return f"object store: {line}"
    free = shutil.disk_usage(directory).free
    line = f"disk: {line}, {_size(free)} are free"
    return line if most < free else f"warning: {line}"


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e6:.3g} MB"
