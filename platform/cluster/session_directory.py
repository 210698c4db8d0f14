"""The directory in which a Ray of our own keeps its logs and sockets: bounded, and not for ever.

Ray makes one for each start, deletes none, and adds files for each process that it starts.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from platform.lock import LOCK_FILE, is_held, only_one, process_exists

KEPT = 3  # sessions of ours that are over: for who wants to know what went wrong
MOST_BYTES = 128_000_000  # of logs; those of processes that are gone make room
# Each of the dozen services of Ray has such a log, and one before it: 512 MB, and five, are Ray's.
ROTATION = {"RAY_ROTATION_MAX_BYTES": "4000000", "RAY_ROTATION_BACKUP_COUNT": "1"}
_LOOK_SECONDS = 60.0
_STILL_ENDING = 60.0  # s; the processes of a Ray outlive a driver that was killed
_OF_A_PROCESS = re.compile(r"[-_](\d+)\.(?:log|out|err)(?:\.\d+)?")
_log = logging.getLogger("ray")  # which goes into the log of the command


def log_rotation() -> dict[str, str]:
    """Return the variables that bound the logs of a Ray's services, where nobody else has."""
    return {name: os.environ.get(name, value) for name, value in ROTATION.items()}


@contextmanager
def bounded(session: Path) -> Iterator[None]:
    """Hold the directory of a Ray that runs, bound its logs, and delete those of earlier ones."""
    over = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(only_one(session))  # the system lets go, however this process ends
        forget_sessions(session.parent)
        stack.callback(over.set)
        threading.Thread(target=_bound, args=(session / "logs", over), daemon=True).start()
        yield


def session_line(session: Path) -> str:
    """Say where a Ray keeps its files, and how many they are at most."""
    return f"Ray's own files: {session}, logs of {MOST_BYTES // 1_000_000} MB at most"


def forget_sessions(root: Path, keep: int = KEPT) -> list[Path]:
    """Delete the directories that our commands made and no process uses, but for the last ones."""
    ours = [path.parent for path in root.glob(f"session_*/{LOCK_FILE}")]
    ended = [path for path in ours if not path.is_symlink() and _has_ended(path)]
    forgotten = sorted(ended, key=lambda path: path.name)[: max(len(ended) - keep, 0)]
    for path in forgotten:
        _log.info("deleting %s, of a session that is over", path)
        shutil.rmtree(path, ignore_errors=True)  # another command may be at it
    return forgotten


def forget_logs(logs: Path, most: int = MOST_BYTES) -> list[Path]:
    """Delete logs of processes that have ended, the oldest first, until all take so many bytes."""
    sizes: dict[Path, os.stat_result] = {}
    for path in logs.rglob("*"):
        with suppress(FileNotFoundError):  # rotated meanwhile
            sizes[path] = path.stat()
    excess = sum(one.st_size for one in sizes.values()) - most
    forgotten: list[Path] = []
    for path in sorted(sizes, key=lambda path: sizes[path].st_mtime):
        if excess <= 0:
            break
        if _is_of_the_past(path):
            path.unlink(missing_ok=True)
            excess -= sizes[path].st_size
            forgotten.append(path)
    return forgotten


def _bound(logs: Path, over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        forget_logs(logs)


def _has_ended(session: Path) -> bool:
    with suppress(FileNotFoundError, PermissionError):  # another command's, or another user's
        silent = time.time() - (session / "logs").stat().st_mtime
        return silent > _STILL_ENDING and not is_held(session)
    return False


def _is_of_the_past(log: Path) -> bool:
    found = _OF_A_PROCESS.search(log.name)
    return found is not None and not process_exists(int(found[1]))
