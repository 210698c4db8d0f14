"""The journal file of a study: what a crash, a full disk or a bad one has left is gone on from."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from optuna.storages.journal import JournalFileSymlinkLock

from toco_core.files import replacing

Say: TypeAlias = Callable[[str], object]
Operation: TypeAlias = dict[str, Any]

# The operation that begins a trial, by its number in a journal of Optuna.
_CREATE_TRIAL = 4
_LOCKED_SECONDS = 30.0  # a lock that is older was left by a process that died
_STILL_SECONDS = 1.0  # who only reads, and mends, holds it for less


def require_journal(path: Path) -> None:
    """Refuse a file of the user's that is something else, before it is written to."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        beginning = file.read(200)
    if beginning and not (beginning.startswith(b"{") and b'"op_code"' in beginning):
        is_database = beginning.startswith(b"SQLite format")
        way_out = f"give its URL: sqlite:///{path}" if is_database else "name another file"
        raise ValueError(f"study storage {path}: not a journal of Optuna; {way_out}")


def mend_journal(path: Path, say: Say, *, alone: bool = False) -> None:
    """Make a journal one that Optuna reads: without half a last line, and without garbled ones.

    Optuna skips half a line at the end, but appends the next one to it, and the file is lost for
    good; it refuses a journal with a garbled line elsewhere. What was garbled stays beside it.

    Args:
        path: of the journal; it need not be there.
        say: is told, in a line, what was lost.
        alone: no other process writes to it.
    """
    if not path.exists():
        return
    _break_dead_lock(path, say, alone=alone)
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()  # nobody else is in the middle of writing
    try:
        *lines, torn = path.read_bytes().split(b"\n")
        mended = _mended(lines)
        if not mended.garbled:
            if torn:
                _write(path, lines)
            return
        copy = path.with_name(f"{path.name}.damaged")
        shutil.copyfile(path, copy)
        _write(path, mended.lines)
    finally:
        lock.release()
    say(
        f"{path}: {mended.garbled} of {len(lines)} lines are damaged and were left out, the search "
        f"goes on from the others; the file as it was: {copy.name}"
    )


def _break_dead_lock(path: Path, say: Say, *, alone: bool) -> None:
    """Remove the lock of a process that died with it; Optuna would wait half a minute for it.

    Clocks of machines differ: however old it looks, it must not move for a while.
    """
    lock = path.with_name(f"{path.name}.lock")
    with suppress(FileNotFoundError):
        found = _identity(lock)
        if not alone and time.time() - lock.lstat().st_mtime <= _LOCKED_SECONDS:
            return
        time.sleep(_STILL_SECONDS)
        if _identity(lock) == found:
            lock.unlink()
            say(f"{lock}: left by a process that died, and removed")


def _identity(link: Path) -> tuple[int, int]:
    found = link.lstat()
    return found.st_ino, found.st_mtime_ns


def _write(path: Path, lines: list[bytes]) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(b"".join(line + b"\n" for line in lines))


@dataclass
class _Mended:
    """The lines of a journal that are whole, as they are taken up one after the other."""

    lines: list[bytes] = field(default_factory=list)
    garbled: int = 0
    trials: int = 0
    gap: int | None = None  # where among the lines the last garbled one was
    study: int = 0

    def take(self, line: bytes, operation: Operation) -> bool:
        """Take up a whole line; return whether it can follow on those before."""
        missing = operation.get("trial_id", -1) - self.trials + 1
        if missing > 0 and not self._stand_in(missing):
            return False
        self.trials += operation["op_code"] == _CREATE_TRIAL
        self.study = operation.get("study_id", self.study)
        self.lines.append(line)
        return True

    def _stand_in(self, count: int) -> bool:
        """Begin the trials whose beginning is garbled: Optuna numbers trials as they begin."""
        if self.gap is None:
            return False
        began = datetime.now().isoformat(timespec="microseconds")
        operation = {"op_code": _CREATE_TRIAL, "worker_id": "mended", "study_id": self.study}
        line = json.dumps({**operation, "datetime_start": began}).encode()
        self.lines[self.gap : self.gap] = [line] * count
        self.trials += count
        return True


def _mended(lines: list[bytes]) -> _Mended:
    mended = _Mended()
    for index, line in enumerate(lines):
        operation = _operation(line)
        if operation is None:
            mended.garbled += 1
            mended.gap = len(mended.lines)
        elif not mended.take(line, operation):  # of a trial that no line begins
            mended.garbled += len(lines) - index
            break
    return mended


def _operation(line: bytes) -> Operation | None:
    """Parse a line; None if it is none of a journal."""
    try:
        operation = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(operation, dict) or not isinstance(operation.get("op_code"), int):
        return None
    return operation if isinstance(operation.get("trial_id", 0), int) else None
