"""The runs that TensorBoard shows of a search: one of each trial, and one of the search itself."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.summary_pb2 import (
    Summary,  # pyright: ignore[reportAttributeAccessIssue]  # which is named at run time only
)
from torch.utils.tensorboard import SummaryWriter

from platform.results.events import TrialEnded, TrialProgressed, TrialScored
from platform.results.hparams import trial_summaries
from platform.results.parameters import ParameterValue
from platform.results.run_events import SCORE_FIELDS
from platform.results.search_state import SearchState

MOST_POINTS = 200  # of a loss in a trial: more would be drawn on the same pixels
SEARCH_SECONDS = 10.0  # between two points of the search at least, and
SEARCH_SHARE = 1 / 500  # of the time since it began
_QUEUE = 1000  # events that wait for the writing thread; with its 10 the search would wait for it


class TrialRun:
    """The event files of one trial."""

    def __init__(
        self,
        directory: Path,
        params: dict[str, ParameterValue],
        iterations: int,
        iteration: int = 0,
        purge_step: int | None = None,
    ) -> None:
        self._writer = SummaryWriter(str(directory), purge_step=purge_step, max_queue=_QUEUE)
        self._params = params
        self._least = iterations / MOST_POINTS  # iterations between two points
        self._iteration = iteration
        self._progress: list[TrialProgressed] = []

    def write_progress(self, event: TrialProgressed) -> None:
        """Write the losses and the pace, as means where there are more than can be drawn."""
        self._progress.append(event)
        steps = event.iteration - self._iteration
        if steps < self._least:
            return
        losses = _mean_losses(self._progress)
        values = [_scalar(f"loss/{name}", loss) for name, loss in losses.items()]
        if steps > 0:
            pace = sum(one.seconds for one in self._progress) / steps
            values.append(_scalar("cost/step_seconds", pace))
        _write(self._writer, values, event.iteration)
        self._iteration, self._progress = event.iteration, []

    def write_score(self, event: TrialScored, pictures: Sequence[bytes]) -> None:
        """Write all numbers of a score, and of its pictures those that there is room for."""
        scalars = [_scalar(tag, value) for tag, value in score_scalars(event)]
        shown = [_picture(f"images/{index:02d}", one) for index, one in enumerate(pictures)]
        _write(self._writer, [*scalars, *shown], event.iteration)
        self._writer.flush()

    def write_end(self, event: TrialEnded) -> None:
        """Write the hyper-parameters, whichever way the trial ended."""
        assert self._writer.file_writer is not None, "open until `close`"
        for summary in trial_summaries(self._params, event.state):
            self._writer.file_writer.add_summary(summary)

    def close(self) -> None:
        """Close the files."""
        self._writer.close()


class SearchRun:
    """The event file of the search itself, over the seconds since it began.

    Points become rarer as it goes on, so that a week takes some two thousand of them.
    """

    def __init__(self, directory: Path, began: float) -> None:
        self._writer = SummaryWriter(str(directory), max_queue=_QUEUE)
        self._began = began
        self._written = 0.0

    def write(self, state: SearchState, now: float) -> None:
        """Write where the search stands, unless that was done a moment ago."""
        least = max(SEARCH_SECONDS, SEARCH_SHARE * (now - self._began))
        if now - self._written < least and state.ended is None:
            return
        numbers = search_numbers(state).items()
        values = [_scalar(f"search/{name}", value) for name, value in numbers]
        _write(self._writer, values, int(now - self._began))
        self._written = now

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def search_numbers(state: SearchState) -> dict[str, float]:
    """Return what is shown of the search itself.

    Utilisation is the share of the trials that could run at once, by the most that ever did.
    """
    running = sum(row.state == "running" for row in state.running)
    numbers = {
        "ended": float(len(state.over)),
        "running": float(running),
        "queue": float(sum(row.state == "waiting" for row in state.running)),
        "scores_in_flight": float(state.scores_in_flight),
        "utilisation": running / state.slots,
        "machines": float(len(state.machines)),
        "retries": float(state.retries),
    }
    best = state.best
    return numbers if best is None else {"best": best.best_score or 0.0, **numbers}


def _mean_losses(events: Sequence[TrialProgressed]) -> Mapping[str, float]:
    """Average each loss over the events that have it; one begins when its stage does."""
    losses: dict[str, list[float]] = {}
    for event in events:
        for name, loss in event.losses.items():
            losses.setdefault(name, []).append(loss)
    return {name: sum(values) / len(values) for name, values in losses.items()}


def score_scalars(event: TrialScored) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a score under the tags that they are shown by.

    One that is not known, as an mIoU where no mask was opened, is left out.
    """
    for field in SCORE_FIELDS:
        if not field.tag:
            continue
        value = getattr(event, field.name)
        if field.kind == "floats":
            yield from ((field.tag.format(index), one) for index, one in enumerate(value))
        elif not math.isnan(value):
            yield field.tag, value


def _write(writer: SummaryWriter, values: Sequence[Summary.Value], step: int) -> None:
    """Write values as one event.

    TensorBoard opens the file anew for each event: thirty of a score would be thirty waits for a
    network file system.
    """
    assert writer.file_writer is not None, "open until `close`"
    writer.file_writer.add_summary(Summary(value=values), step)


def _scalar(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=tag, simple_value=value)


def _picture(tag: str, png: bytes) -> Summary.Value:
    """Return a picture as it is: `SummaryWriter.add_image` would decode and encode it again."""
    width, height = Image.open(io.BytesIO(png)).size  # reads the header only
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return Summary.Value(tag=tag, image=image)
