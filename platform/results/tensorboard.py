"""TensorBoard of a search: a run per trial, with its scalars, pictures and hyper-parameters."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from platform.results.events import (
    SCORE_FIELDS,
    Event,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    TrialProgressed,
    TrialScored,
    TrialStarted,
    TrialWentBack,
)
from platform.results.hparams import (
    Column,
    table_columns,
    trial_summaries,
    write_columns,
)
from platform.results.parameters import ParameterValue
from platform.results.trial_rows import TrialRow

TENSORBOARD_DIRECTORY = "tensorboard"


class TensorBoardSink:
    """A sink that writes `<directory>/tensorboard/trial-0003/` while the trials run.

    Args:
        directory: of the search.
        earlier: the trials of a search that is resumed, as `read_trials` returns them.
    """

    def __init__(self, directory: Path, earlier: Iterable[TrialRow] = ()) -> None:
        self._root = directory / TENSORBOARD_DIRECTORY
        self._runs: dict[int, TrialRun] = {}
        self._params = {row.number: dict(row.params) for row in earlier}
        self._columns: dict[str, Column] = {}

    def handle(self, event: Event) -> None:
        match event:
            case SearchStarted():
                self._root.mkdir(parents=True, exist_ok=True)
            case TrialStarted():
                self._start(event)
            case TrialWentBack():
                pass  # what is written again lies over it
            case TrialProgressed():
                self._run(event.number).write_progress(event)
            case TrialScored():
                self._run(event.number).write_score(event)
            case TrialEnded():
                self._run(event.number).write_end(event)
                self._runs.pop(event.number).close()
            case SearchEnded():
                while self._runs:
                    self._runs.popitem()[1].close()

    def _start(self, event: TrialStarted) -> None:
        if event.number in self._runs:
            self._runs.pop(event.number).close()
        self._runs[event.number] = self._open(event)
        self._params[event.number] = dict(event.params)
        columns = table_columns(self._params.values())
        if columns != self._columns:
            self._columns = columns
            write_columns(self._root, columns)

    def _run(self, number: int) -> TrialRun:
        # A late score, or a trial that failed before it began, has no open run.
        if number not in self._runs:
            self._runs[number] = TrialRun(
                run_directory(self._root, number), self._params.get(number, {})
            )
        return self._runs[number]

    def _open(self, event: TrialStarted) -> TrialRun:
        directory = run_directory(self._root, event.number)
        # What was written after the checkpoint that the trial goes on from is trained again. The
        # first session needs its mark as well: TensorBoard takes only the second for a restart.
        purge_step = event.iteration + 1
        return TrialRun(directory, dict(event.params), event.iteration, purge_step)


class TrialRun:
    """The event files of one trial."""

    def __init__(
        self,
        directory: Path,
        params: dict[str, ParameterValue],
        iteration: int = 0,
        purge_step: int | None = None,
    ) -> None:
        self._writer = SummaryWriter(str(directory), purge_step=purge_step)
        self._params = params
        self._iteration = iteration

    def write_progress(self, event: TrialProgressed) -> None:
        """Write the losses and the pace."""
        for name, loss in event.losses.items():
            self._writer.add_scalar(f"loss/{name}", loss, event.iteration)
        if event.iteration > self._iteration:
            pace = event.seconds / (event.iteration - self._iteration)
            self._writer.add_scalar("seconds/iteration", pace, event.iteration)
            self._iteration = event.iteration

    def write_score(self, event: TrialScored) -> None:
        """Write all numbers of a score, and its pictures."""
        for tag, value in _scalars(event):
            self._writer.add_scalar(tag, value, event.iteration)
        for index, picture in enumerate(event.pictures):
            pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))  # (H, W, 3)
            self._writer.add_image(f"cam/{index:02d}", pixels, event.iteration, dataformats="HWC")
        self._writer.flush()

    def write_end(self, event: TrialEnded) -> None:
        """Write the hyper-parameters, whichever way the trial ended."""
        assert self._writer.file_writer is not None, "open until `close`"
        for summary in trial_summaries(self._params, event.state):
            self._writer.file_writer.add_summary(summary)

    def close(self) -> None:
        """Close the files."""
        self._writer.close()


def _scalars(event: TrialScored) -> Iterator[tuple[str, float]]:
    for field in SCORE_FIELDS:
        if not field.tag:
            continue
        value = getattr(event, field.name)
        if field.kind == "floats":
            yield from ((field.tag.format(index), one) for index, one in enumerate(value))
        else:
            yield field.tag, value


def run_directory(root: Path, number: int) -> Path:
    """Return where the run of a trial is, below that of the search."""
    return root / f"trial-{number:04d}"
