"""The checkpoints of one run: which there are, which to go on from, which to keep."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from toco_core.settings import Recipe
from toco_core.settings.keys import refused_on_resume

if TYPE_CHECKING:
    from toco_core.checkpoint import Checkpoint

_NAME = re.compile(r"iteration-(\d+)\.pt")
_log = logging.getLogger(__name__)


def checkpoint_path(directory: Path, iteration: int) -> Path:
    """Return where the checkpoint after so many iterations belongs."""
    return directory / f"iteration-{iteration:06d}.pt"


def list_checkpoints(directory: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    found = [path for path in directory.glob("iteration-*.pt") if _NAME.fullmatch(path.name)]
    return sorted(found, key=iteration_of)


def iteration_of(path: Path) -> int:
    """Return after how many iterations a checkpoint was written."""
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1])


def latest_checkpoint(directory: Path) -> Checkpoint | None:
    """Load the newest checkpoint that can be read; a damaged one is passed over with a warning."""
    from toco_core.checkpoint import load_checkpoint  # torch: not to see which there are

    for path in reversed(list_checkpoints(directory)):
        try:
            return load_checkpoint(path)
        except ValueError as error:
            _log.warning("%s; going on from the checkpoint before it", error)
    return None


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


def forget_before(directory: Path, iteration: int, keep: Collection[int] = ()) -> None:
    """Delete the checkpoints from before an iteration, except those of the iterations to keep."""
    for path in list_checkpoints(directory):
        if iteration_of(path) < iteration and iteration_of(path) not in keep:
            path.unlink(missing_ok=True)


def delete_checkpoints(directory: Path) -> None:
    """Delete the checkpoints of a run that is over: each is three times its network."""
    for path in list_checkpoints(directory):
        path.unlink(missing_ok=True)
