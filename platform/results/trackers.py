"""Experiment trackers by name: each is a sink that writes into the search's directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from platform.results.events import (
    EndState,
    Event,
    SearchEnded,
    SearchStarted,
    Sink,
    TrialEnded,
    TrialProgressed,
    TrialScored,
    TrialStarted,
)
from platform.results.mlflow_tracker import Mlflow
from platform.results.parameters import ParameterValue
from platform.results.tensorboard import TensorBoardSink
from platform.results.tensorboard_runs import score_scalars
from platform.results.trial_rows import TrialRow
from platform.results.wandb_tracker import Wandb


class Tracker(Protocol):
    """Keeps what trials are and come to, in somebody else's format."""

    def start(self, name: str, params: Mapping[str, ParameterValue]) -> None:
        """Begin the run of a trial, or go on with it."""
        ...

    def log(self, name: str, values: Mapping[str, float], step: int) -> None:
        """Keep numbers of a run."""
        ...

    def end(self, name: str, state: EndState | None) -> None:
        """End a run; without a state, it is to go on in another session."""
        ...


class TrackerSink:
    """A sink that tells a tracker the losses and the scores of each trial."""

    def __init__(self, make: Callable[[str], Tracker]) -> None:
        self._make = make
        self._tracker: Tracker | None = None
        self._names: dict[int, str] = {}

    def handle(self, event: Event) -> None:
        if isinstance(event, SearchStarted):
            self._tracker = self._make(event.name)
        assert self._tracker is not None, "SearchStarted is the first event"
        match event:
            case TrialStarted():
                self._end(event.number, None)
                self._names[event.number] = f"trial-{event.number:04d}"
                self._tracker.start(self._names[event.number], event.params)
            case TrialProgressed():
                losses = {f"loss/{name}": loss for name, loss in event.losses.items()}
                self._log(event.number, losses, event.iteration)
            case TrialScored():
                self._log(event.number, dict(score_scalars(event)), event.iteration)
            case TrialEnded():
                self._end(event.number, event.state)
            case SearchEnded():
                for number in list(self._names):
                    self._end(number, None)
            case _:
                pass

    def _log(self, number: int, values: Mapping[str, float], step: int) -> None:
        if self._tracker is not None and number in self._names:  # a late score has no run
            self._tracker.log(self._names[number], values, step)

    def _end(self, number: int, state: EndState | None) -> None:
        if self._tracker is not None and number in self._names:
            self._tracker.end(self._names.pop(number), state)


def make_trackers(
    names: Sequence[str], directory: Path, earlier: Iterable[TrialRow] = ()
) -> list[Sink]:
    """Make the sinks of trackers; TensorBoard's where none is named.

    Args:
        names: `tensorboard`, `mlflow`, `wandb`.
        directory: of the search.
        earlier: the trials of a search that is resumed.
    """
    kinds = {"mlflow": Mlflow, "wandb": Wandb}
    return [
        TensorBoardSink(directory, earlier)
        if name == "tensorboard"
        else TrackerSink(lambda search, kind=kinds[name]: kind(directory, search))
        for name in dict.fromkeys(names or ["tensorboard"])
    ]
