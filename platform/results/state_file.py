"""What a running search says of itself in a small file, for whoever asks from another shell."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from platform.results.events import Event, SearchEnded, SearchStarted, TrialProgressed, TrialScored
from platform.results.search_state import Clock, SearchState, fold
from platform.results.tables import read_trials
from platform.results.ticker import Ticker
from platform.results.trial_rows import TrialRow
from toco_core.files import replacing

STATE_FILE = "status.json"
HEARTBEAT_SECONDS = 10.0  # between two writes at most
EVENT_SECONDS = 1.0  # between two writes for what happens all the time
Phase: TypeAlias = Literal["running", "scoring the winner", "finished", "stopped", "interrupted"]
# What a trial in work has beyond its row in the table, which is written at its scores.
_ROW_FIELDS = ("number", "state", "iteration", "machine", "retries", "step_seconds", "started")


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a search has last said of itself.

    Attributes:
        pid: its process, on `host`.
        heard: when it was written, s since 1970.
        began: when the session began, s since 1970.
        slots: most trials seen running at once.
        search: the fields of `SearchStarted` that are needed to say where it stands.
        in_work: fields of the rows of the trials in work.
    """

    phase: Phase
    pid: int
    host: str
    heard: float
    began: float
    slots: int
    search: Mapping[str, Any]
    in_work: list[dict[str, Any]]


class StateFile:
    """A sink that writes `status.json`, whole at any moment: at what happens, and every 10 s.

    Args:
        directory: of the search.
        clock: s since 1970.
    """

    def __init__(self, directory: Path, clock: Clock = time.time) -> None:
        self._path, self._clock = directory / STATE_FILE, clock
        self._state, self._written = SearchState(), 0.0
        self._phase: Phase = "running"
        self._lock = threading.Lock()
        self._ticker = Ticker(self._write, HEARTBEAT_SECONDS)

    def handle(self, event: Event) -> None:
        with self._lock:
            self._state = fold(self._state, event, self._clock())
        match event:
            case SearchStarted():
                self.enter("running")
                self._ticker.start()
            case SearchEnded():
                self.enter("interrupted" if event.interrupted else "stopped")
            case TrialProgressed() | TrialScored():
                if self._clock() - self._written >= EVENT_SECONDS:
                    self._write()
            case _:
                self._write()

    def enter(self, phase: Phase) -> None:
        """Say what the search does now; its trials may have ended before."""
        self._phase = phase
        self._write()

    def close(self) -> None:
        """Write no more."""
        self._ticker.stop()

    def _write(self) -> None:
        with self._lock:
            search, now = self._state.search, self._clock()
            assert search is not None, "SearchStarted is the first event"
            word = Word(
                phase=self._phase,
                pid=os.getpid(),
                host=socket.gethostname(),
                heard=now,
                began=self._state.began,
                slots=self._state.slots,
                search={
                    "name": search.name,
                    "trials": search.trials,
                    "iterations": search.iterations,
                    "objective": search.objective,
                    "score_points": list(search.score_points),
                    "trial_needs": search.trial_needs,
                },
                in_work=[_fields(row) for row in self._state.running],
            )
            # On a full disk the search itself decides what becomes of it.
            with suppress(OSError), replacing(self._path) as unfinished:
                unfinished.write_text(json.dumps(asdict(word)))
            self._written = now


def read_word(directory: Path) -> Word | None:
    """Return what the search of a directory has last said; None where it has said nothing.

    Raises:
        ValueError: the file is none of ours.
    """
    path = directory / STATE_FILE
    if not path.is_file():
        return None
    try:
        return Word(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not the state of a search ({error}); remove it") from error


def known_state(directory: Path, word: Word | None) -> SearchState:
    """Return where the search of a directory stands: its table, and what it has said since.

    Raises:
        ValueError: the table cannot be read.
    """
    rows = {row.number: row for row in read_trials(directory)}
    if word is None:
        return SearchState(rows=rows)
    for values in word.in_work:
        row = rows.get(values["number"], TrialRow(number=values["number"]))
        rows[row.number] = row if row.is_over else replace(row, **values)
    search = SearchStarted(directory=directory, log_file=directory / "ray.log", **word.search)
    return SearchState(rows=rows, search=search, began=word.began, slots=word.slots)


def _fields(row: TrialRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ROW_FIELDS}
