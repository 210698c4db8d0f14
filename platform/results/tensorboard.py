"""TensorBoard of a search: a run per trial, with its scalars, pictures and hyper-parameters."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from platform.results.events import (
    Event,
    MachineStruckOff,
    SearchEnded,
    SearchStarted,
    TrialBroken,
    TrialEnded,
    TrialProgressed,
    TrialScored,
    TrialSilent,
    TrialStarted,
    TrialWentBack,
)
from platform.results.hparams import Column, table_columns, write_columns
from platform.results.search_state import Clock, fold, from_rows
from platform.results.tensorboard_runs import SearchRun, TrialRun
from platform.results.trial_rows import TrialRow
from platform.results.writing_threads import leave_errors_to_writers

TENSORBOARD_DIRECTORY = "tensorboard"
SEARCH_RUN = "search"
# Of all trials together. Once it is spent, only a score that is the best so far has its pictures.
PICTURE_BYTES = 256_000_000


class TensorBoardSink:
    """A sink that writes `<directory>/tensorboard/trial-0003/` while the trials run.

    Beside them is a run of the search itself, where there are several trials. What a trial takes
    is bounded, and so is what all pictures take.

    Args:
        directory: of the search.
        earlier: the trials of a search that is resumed, as `read_trials` returns them.
        clock: s since 1970.
    """

    def __init__(
        self, directory: Path, earlier: Iterable[TrialRow] = (), clock: Clock = time.time
    ) -> None:
        leave_errors_to_writers()
        earlier = list(earlier)
        self._root = directory / TENSORBOARD_DIRECTORY
        self._clock = clock
        self._state = from_rows(earlier)
        self._began = min((row.started for row in earlier), default=clock())
        self._runs: dict[int, TrialRun] = {}
        self._search: SearchRun | None = None
        self._params = {row.number: dict(row.params) for row in earlier}
        self._columns: dict[str, Column] = {}
        self._picture_bytes = 0

    def handle(self, event: Event) -> None:
        now = self._clock()
        best = self._state.best
        self._state = fold(self._state, event, now)
        match event:
            case SearchStarted():
                self._begin(event)
            case TrialStarted():
                self._start(event)
            case TrialWentBack():
                pass  # what is written again lies over it
            case TrialProgressed():
                self._run(event.number).write_progress(event)
            case TrialScored():
                value = getattr(event, self._state.objective.field)
                is_best = best is None or value > (best.best_score or 0.0)
                self._run(event.number).write_score(event, self._affordable(event, is_best))
            case TrialSilent() | TrialBroken() | MachineStruckOff():
                pass
            case TrialEnded():
                self._run(event.number).write_end(event)
                self._runs.pop(event.number).close()
            case SearchEnded():
                while self._runs:
                    self._runs.popitem()[1].close()
            case _:
                pass
        if self._search is not None:
            self._search.write(self._state, now)
            if isinstance(event, SearchEnded):
                self._search.close()

    def _begin(self, event: SearchStarted) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        files = [path for path in self._root.rglob("events.out.tfevents.*") if event.resumed]
        self._picture_bytes = sum(path.stat().st_size for path in files)  # pictures are most of it
        if event.trials > 1:
            self._search = SearchRun(self._root / SEARCH_RUN, self._began)

    def _affordable(self, event: TrialScored, is_best: bool) -> Sequence[bytes]:
        if self._picture_bytes >= PICTURE_BYTES and not is_best:
            return ()
        self._picture_bytes += sum(map(len, event.pictures))
        return event.pictures

    def _start(self, event: TrialStarted) -> None:
        if event.number in self._runs:
            self._runs.pop(event.number).close()
        self._runs[event.number] = self._open(event)
        self._params[event.number] = dict(event.params)
        columns = table_columns(self._params.values())
        if columns != self._columns:
            self._columns = columns
            write_columns(self._root, columns, self._state.objective)

    def _run(self, number: int) -> TrialRun:
        # A late score, or a trial that failed before it began, has no open run.
        if number not in self._runs:
            directory, params = run_directory(self._root, number), self._params.get(number, {})
            self._runs[number] = TrialRun(directory, params, self._iterations)
        return self._runs[number]

    def _open(self, event: TrialStarted) -> TrialRun:
        directory = run_directory(self._root, event.number)
        # What was written after the checkpoint that the trial goes on from is trained again. The
        # first session needs its mark as well: TensorBoard takes only the second for a restart.
        purge_step = event.iteration + 1
        return TrialRun(
            directory, dict(event.params), self._iterations, event.iteration, purge_step
        )

    @property
    def _iterations(self) -> int:
        assert self._state.search is not None, "SearchStarted is the first event"
        return self._state.search.iterations


def run_directory(root: Path, number: int) -> Path:
    """Return where the run of a trial is, below that of the search."""
    return root / f"trial-{number:04d}"
