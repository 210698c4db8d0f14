"""The checkpoints of one run: which there are, which to go on from, which to keep."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from toco_core.files import archive_problem
from toco_core.remote_files import StoreError
from toco_core.remote_path import Located, Place, PlaceT, RemotePath
from toco_core.settings import Recipe
from toco_core.settings.keys import refused_on_resume

if TYPE_CHECKING:
    from toco_core.checkpoint import Checkpoint

_NAME = re.compile(r"iteration-(\d+)\.pt")


def checkpoint_path(directory: PlaceT, iteration: int) -> PlaceT:
    """Return where the checkpoint after so many iterations belongs."""
    return directory / f"iteration-{iteration:06d}.pt"


def list_checkpoints(directory: PlaceT) -> list[PlaceT]:
    """Return the checkpoints of a run, oldest first."""
    found = [path for path in directory.glob("iteration-*.pt") if _NAME.fullmatch(path.name)]
    return sorted(found, key=iteration_of)


def iteration_of(path: Located) -> int:
    """Return after how many iterations a checkpoint was written."""
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1])


def newest_iteration(directory: Place) -> int:
    """Return the iteration of the newest checkpoint that is not cut off; 0 if there is none.

    In a moment: what else may be wrong with it, `find_resume_point` finds by reading all of it.
    """
    whole = (path for path in reversed(list_checkpoints(directory)) if _is_whole(path))
    return next(map(iteration_of, whole), 0)


def _is_whole(path: Place) -> bool:
    return isinstance(path, RemotePath) or zipfile.is_zipfile(path)  # no store shows half a file


class ResumePoint(NamedTuple):
    """Where a run goes on."""

    checkpoint: Checkpoint | None  # None: from the start
    damage: tuple[str, ...]  # a line for each checkpoint that was passed over

    @property
    def iteration(self) -> int:
        return self.checkpoint.iteration if self.checkpoint else 0


def find_resume_point(directory: Place, unscored: Collection[int] = ()) -> ResumePoint:
    """Load the newest checkpoint from which a run can go on as if it had never stopped.

    Args:
        directory: of the checkpoints.
        unscored: iterations whose scores are still wanted. A run cannot go on from behind such a
            checkpoint if that one is damaged: its score would be lost.

    Raises:
        StoreError: the object store that they are in does not answer.
    """
    from toco_core.checkpoint import load_checkpoint  # torch: not to see which there are

    paths, damage = list_checkpoints(directory), list[str]()
    while paths:
        newest = paths.pop()
        try:
            checkpoint = load_checkpoint(newest)
        except StoreError:  # no damage: it may answer again
            raise
        except ValueError as error:
            damage.append(str(error))
            continue
        wanted = [path for path in paths if iteration_of(path) in unscored]
        problems = {path: problem for path in wanted if (problem := archive_problem(_fetch(path)))}
        if not problems:
            return ResumePoint(checkpoint, tuple(damage))
        first = min(map(iteration_of, problems))
        paths = [path for path in paths if iteration_of(path) < first]
        damage += [f"{path} is damaged: {problem}" for path, problem in problems.items()]
    return ResumePoint(None, tuple(damage))


def _fetch(path: Place) -> Path:
    """Return where a checkpoint can be read on this machine."""
    return path.local_copy() if isinstance(path, RemotePath) else path


def latest_checkpoint(directory: Place) -> Checkpoint | None:
    """Load the newest checkpoint that can be read; None if there is none."""
    return find_resume_point(directory).checkpoint


def require_same_settings(checkpoint: Checkpoint, recipe: Recipe, directory: str | Path) -> None:
    """Refuse to go on in a directory with settings that a run does not let change on the way.

    Raises:
        ValueError: names what differs.
    """
    refused = refused_on_resume(checkpoint.recipe, recipe)
    if refused:
        raise ValueError(
            f"{directory} holds a run of other settings: {', '.join(refused)}; go back "
            "to those, or give this run another --name"
        )


def forget_before(directory: Place, iteration: int, keep: Collection[int] = ()) -> None:
    """Delete the checkpoints from before an iteration, except those of the iterations to keep."""
    for path in list_checkpoints(directory):
        if iteration_of(path) < iteration and iteration_of(path) not in keep:
            path.unlink(missing_ok=True)


def delete_checkpoints(directory: Place) -> None:
    """Delete the checkpoints of a run that is over: each is three times its network."""
    if isinstance(directory, RemotePath):  # nothing else is in it
        directory.remove()
        return
    for path in list_checkpoints(directory):
        path.unlink(missing_ok=True)
