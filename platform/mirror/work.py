"""A command's session on what an object store keeps: opened here, worked on, put there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from platform.command_line import FAILED
from platform.lock import only_one
from platform.mirror.files import working_directory
from platform.mirror.session import Mirror, Say, mirrored
from toco_core.remote_path import RemotePath


def work_in_stores(
    stores: Sequence[RemotePath], what: str, say: Say, work: Callable[[list[RemotePath]], int]
) -> int:
    """Work on directories of an object store, each as its `working_directory` on this machine.

    Args:
        stores: the directories there.
        what: one of them is, in a word: a search, a run.
        say: is told, in a line, what goes wrong, and at the end where each is kept, if it is.
        work: is given the directories there, of which what it removes goes after the record of why,
            and returns an exit status.

    Returns:
        The status; `FAILED` in place of 0 where not everything could be put there.

    Raises:
        ValueError: another session works on one of them.
        StoreError: the store does not answer, or refuses.
    """
    with ExitStack() as stack:
        mirrors = [_opened(store, say, stack) for store in stores]
        status = work([mirror.store for mirror in mirrors])
    complete = [mirror for mirror in mirrors if mirror.is_complete]  # others have said what lacks
    for mirror in complete:
        say(f"the {what} is kept in {mirror.store}")
    return status if len(complete) == len(mirrors) else status or FAILED


def _opened(store: RemotePath, say: Say, stack: ExitStack) -> Mirror:
    """Have a directory here, for this process alone, until the stack is left."""
    directory = working_directory(store)
    directory.mkdir(parents=True, exist_ok=True)
    stack.enter_context(only_one(directory))
    return stack.enter_context(mirrored(directory, store, say))
