"""One session at a time works on a search in an object store, as far as a store can tell.

A store has no locks: an object says who is at work, and is written again and again meanwhile. Two
sessions that start within a moment both write it, and the one that finds its own word there goes
on. One that was silent for a minute is taken for dead; should it be alive, it sees that and stops.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from dataclasses import asdict, dataclass, replace

from platform.lock import process_exists
from toco_core.remote_path import RemotePath

LOCK_OBJECT = ".session.json"
HEARTBEAT_SECONDS = 10.0
SILENT_SECONDS = 60.0
_SETTLE_SECONDS = 1.0  # longer than there is between the look and the word of another start


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who works on a search, or was the last to do so."""

    session: str  # another one each time
    host: str
    pid: int
    over: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether it has said that it ends, or was a process of this machine that is no more."""
        return self.over or (self.host == socket.gethostname() and not process_exists(self.pid))


class RemoteLock:
    """The lock of a search in an object store.

    Args:
        store: the directory of the search there.
    """

    def __init__(self, store: RemotePath) -> None:
        self._store = store
        me, host = uuid.uuid4().hex, socket.gethostname()
        self._me = Holder(session=me, host=host, pid=os.getpid())

    @property
    def session(self) -> str:
        return self._me.session

    def require_free(self) -> Holder | None:
        """Return who was the last to work here, None where nobody was.

        Raises:
            ValueError: that one still does.
        """
        holder = read_holder(self._store)
        if holder is not None and is_at_work(self._store, holder):
            raise ValueError(self._refusal(holder))
        return holder

    def take(self) -> None:
        """Say that this session is at work.

        Raises:
            ValueError: another one has said so at the same moment.
        """
        self._write(self._me)
        time.sleep(_SETTLE_SECONDS)
        holder = read_holder(self._store)
        if holder is not None and holder.session != self.session:
            raise ValueError(self._refusal(holder))

    def renew(self) -> Holder | None:
        """Say it again; where another one has, leave that, and return the other."""
        holder = read_holder(self._store)
        if holder is not None and holder.session != self.session:
            return holder
        self._write(self._me)
        return None

    def release(self) -> None:
        """Say that this session is over; it stays the last one that was here."""
        self._write(replace(self._me, over=True))

    def _write(self, holder: Holder) -> None:
        (self._store / LOCK_OBJECT).write_bytes(json.dumps(asdict(holder)).encode())

    def _refusal(self, holder: Holder) -> str:
        return (
            f"process {holder.pid} on {holder.host} is working in {self._store}: wait for it, or "
            f"choose another --name; if it has died, try again in {SILENT_SECONDS:g} s"
        )


def read_holder(store: RemotePath) -> Holder | None:
    """Return who works on the search in a store, or was the last to do so.

    Raises:
        ValueError: the object is none of ours.
        StoreError: the store does not answer.
    """
    try:
        content = (store / LOCK_OBJECT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{store / LOCK_OBJECT} names no session ({error}); remove it") from error


def is_at_work(store: RemotePath, holder: Holder) -> bool:
    """Whether a session is alive, as far as its last word tells, by the clock of the store."""
    if holder.is_gone:
        return False
    now = store / f".now-{uuid.uuid4().hex}"
    now.write_bytes(b"")
    try:
        return (store / LOCK_OBJECT).age(now) < SILENT_SECONDS
    finally:
        now.unlink(missing_ok=True)
