"""A search in an object store: its files are written on this machine, and put there as they change.

So whatever writes or reads them knows nothing of the store: journal, tables, TensorBoard, pages.
Checkpoints are not among them: the machines that train put those there themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from platform.lock import LOCK_FILE
from platform.mirror.files import Stamp, at, is_kept, kept_files
from platform.mirror.lock import HEARTBEAT_SECONDS, RemoteLock
from platform.mirror.state import STATE_FILE, State, read_state, write_state
from platform.results.ticker import Ticker
from toco_core.remote_files import StoreError
from toco_core.remote_path import RemotePath

SECONDS = 2.0  # between two looks at what has changed
# A file that grows is put whole each time: no more than a twentieth of the time goes into each.
_PAUSES = 20.0
_LAST_SECONDS = 30.0  # at the end, a store that does not answer is asked again for so long
_RECORD = ".journal"  # goes last: no table knows of a trial that the record does not

Say: TypeAlias = Callable[[str], object]


class Mirror:
    """Keeps a directory of an object store as one of this machine is.

    Args:
        directory: of the search on this machine, which this process alone works in.
        store: its directory in the object store.
        say: is told, in a line, what goes wrong, from a thread too.
        give_up: is called when another session has taken the search over.
    """

    def __init__(
        self, directory: Path, store: RemotePath, say: Say, give_up: Callable[[], object]
    ) -> None:
        self._directory, self._store, self._say, self._give_up = directory, store, say, give_up
        self._lock = RemoteLock(store)
        self._state = State()
        # Two threads: a large file takes longer than a session may be silent.
        self._tickers = Ticker(self._tick, SECONDS), Ticker(self._beat, HEARTBEAT_SECONDS)
        self._rested: dict[str, float] = {}  # when a file may be put again
        self._to_remove = list[RemotePath]()
        self._thrown_away = set[RemotePath]()
        self._is_silent = False
        self.is_lost = False  # to another session
        self.is_complete = False

    @property
    def store(self) -> RemotePath:
        """The directory in the store; what is removed in it goes after the record of why."""
        return replace(self._store, bin=self._throw_away)

    def _throw_away(self, directory: RemotePath) -> None:
        if directory not in self._thrown_away:  # a search asks after each trial for all before it
            self._thrown_away.add(directory)
            self._to_remove.append(directory)

    def open(self) -> None:
        """Have the search here as it is in the store, and for this session alone.

        Raises:
            ValueError: another session works on it.
            StoreError: the store does not answer, or refuses.
        """
        self._state = read_state(self._directory)
        last = self._lock.require_free()
        if last is not None and last.session in self._state.sessions:
            # Both: should this process die before the next line, the store names the last one.
            self._remember(State([last.session, self._lock.session], self._state.put))
            self._lock.take()
        else:
            self._clear()
            self._remember(State())
            self._lock.take()
            self._fetch()
        for ticker in self._tickers:
            ticker.start()

    def _clear(self) -> None:
        """Make room for what another machine has done; what was never put there is set aside."""
        files = kept_files(self._directory)
        if self._state.sessions and files != self._state.put:
            aside = self._directory.with_name(f"{self._directory.name}.aside-{time.time_ns()}")
            self._say(
                f"warning: {self._store} was gone on with elsewhere; what this machine had not put "
                f"there before is set aside in {aside}"
            )
            shutil.copytree(self._directory, aside, ignore=lambda *_: [LOCK_FILE])
        for entry in self._directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != LOCK_FILE:  # which this process holds
                entry.unlink()

    def _fetch(self) -> None:
        for name in filter(is_kept, self._store.files()):
            file = self._directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            at(self._store, name).download(file)
        self._remember(State([self._lock.session], kept_files(self._directory)))

    def _tick(self) -> None:
        try:
            self._put()
        except (StoreError, OSError) as error:
            if not self._is_silent:
                self._say(f"warning: {error}; the search goes on, and puts its files there later")
            self._is_silent = True
        else:
            if self._is_silent:
                self._say(f"{self._store} answers again")
            self._is_silent = False

    def _beat(self) -> None:
        if self.is_lost:
            return
        try:
            other = self._lock.renew()
        except (StoreError, OSError):  # whoever puts the files there says it
            return
        if other is not None:
            self.is_lost = True
            self._say(
                f"error: process {other.pid} on {other.host} has gone on with {self._store}, since "
                "this one was silent for too long: this one stops"
            )
            self._give_up()

    def _put(self, *, everything: bool = False) -> None:
        if self.is_lost:
            return
        (self._directory / STATE_FILE).stat()  # a directory that is gone deletes nothing there
        to_remove = list(self._to_remove)  # before the record is: it knows why
        files = kept_files(self._directory)
        for name in sorted(files, key=lambda name: (name.endswith(_RECORD), name)):
            is_due = everything or time.monotonic() >= self._rested.get(name, 0.0)
            if is_due and files[name] != self._state.put.get(name):
                self._put_file(name, files[name])
        for name in self._state.put.keys() - files.keys():
            at(self._store, name).unlink(missing_ok=True)
            del self._state.put[name]
        for directory in to_remove:
            directory.remove()
            self._to_remove.remove(directory)
        self._remember(self._state)

    def _put_file(self, name: str, stamp: Stamp) -> None:
        began = time.monotonic()
        file = self._directory / name
        try:
            at(self._store, name).upload(file)
        except FileNotFoundError:
            if file.exists():
                raise
            return  # it was deleted meanwhile
        self._state.put[name] = stamp
        if not name.endswith(_RECORD):
            now = time.monotonic()
            self._rested[name] = now + _PAUSES * (now - began)

    def close(self) -> None:
        """Put there what is left, and let go; say what could not be put."""
        for ticker in self._tickers:
            ticker.stop()
        until = time.monotonic() + _LAST_SECONDS
        while not self.is_lost:
            try:
                self._put(everything=True)
                self._lock.release()
                self.is_complete = True
                return
            except (StoreError, OSError) as error:
                if time.monotonic() > until:
                    self._say(self._left_over(error))
                    return
            time.sleep(SECONDS)

    def _left_over(self, error: Exception) -> str:
        files, put = kept_files(self._directory), self._state.put
        left = sorted(name for name, stamp in files.items() if put.get(name) != stamp)
        shown = ", ".join(left[:5]) + (" ..." if len(left) > 5 else "")
        return (
            f"error: {error}; not put there: {shown or 'nothing but the end of this session'}. "
            f"The files are in {self._directory}: the same command on this machine puts them there"
        )

    def _remember(self, state: State) -> None:
        self._state = state
        write_state(self._directory, state)


@contextmanager
def mirrored(directory: Path, store: RemotePath, say: Say) -> Iterator[Mirror]:
    """Work on the search of an object store in a directory of this machine, held by the caller.

    Raises:
        ValueError: another session works on it.
        StoreError: the store does not answer, or refuses.
    """
    mirror = Mirror(directory, store, say, give_up=_stop_in_order)
    mirror.open()
    try:
        yield mirror
    finally:
        mirror.close()


def _stop_in_order() -> None:
    os.kill(os.getpid(), signal.SIGTERM)  # as whoever ends a job does it
