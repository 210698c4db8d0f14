"""What happens in a search, as data: everything shown or kept is made from these events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from platform.results.parameters import ParameterValue
from platform.results.run_events import Forked, Progressed, RunEvent, Scored, WentBack

CAM_MIOU = "cam_miou"  # what a search maximises unless it is told otherwise
EndState: TypeAlias = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, kw_only=True)
class SearchStarted:
    """The search begins, or goes on.

    Attributes:
        trials: budget of trials, those of earlier sessions included.
        iterations: budget of one trial.
        resumed: trials known from earlier sessions; their tables are read back.
        objective: what is maximised, by its name in `platform.results.objectives`.
        score_points: iterations after which each trial is scored.
        trial_needs: what a trial needs of its machines, in words.
    """

    name: str
    trials: int
    iterations: int
    directory: Path
    log_file: Path
    resumed: int = 0
    objective: str = CAM_MIOU
    score_points: Sequence[int] = ()
    trial_needs: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialStarted:
    """A trial begins at iteration 0, or goes on from its checkpoint at `iteration`.

    Attributes:
        waiting: for a machine; `TrialPlaced` follows.
        workers: that train it, where trials differ in that; else 0.
    """

    number: int
    params: Mapping[str, ParameterValue]
    iteration: int = 0
    waiting: bool = False
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class TrialPlaced:
    """A trial runs; on which machine is known once it has something to say."""

    number: int
    machine: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialProgressed(Progressed):
    """A trial, or the only run of its tables, has trained up to `iteration`."""

    number: int


@dataclass(frozen=True, kw_only=True)
class TrialScored(Scored):
    """A checkpoint of a trial, or of the only run of its tables, has been scored."""

    number: int


@dataclass(frozen=True, kw_only=True)
class TrialWentBack(WentBack):
    """A trial, or the only run of its tables, goes on from before a damaged checkpoint."""

    number: int


@dataclass(frozen=True, kw_only=True)
class TrialForked(Forked):
    """A trial goes on from a checkpoint that another trial has left."""

    number: int


def trial_event(
    event: RunEvent, number: int
) -> TrialProgressed | TrialScored | TrialWentBack | TrialForked:
    """Return the event of the trial whose run has come to an event."""
    # Not `dataclasses.asdict`, which copies every picture.
    values = {one.name: getattr(event, one.name) for one in fields(event)}
    match event:
        case Progressed():
            return TrialProgressed(number=number, **values)
        case Scored():
            return TrialScored(number=number, **values)
        case WentBack():
            return TrialWentBack(number=number, **values)
        case Forked():
            return TrialForked(number=number, **values)


@dataclass(frozen=True, kw_only=True)
class TrialEnded:
    """A trial has come to its end.

    Attributes:
        score: what the search is told of its objective, 0..1; None if there is no score.
        reason: one line, why it was pruned or has failed.
    """

    number: int
    state: EndState
    score: float | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialBroken:
    """Something broke a trial that says nothing of its configuration: it stays unfinished.

    Attributes:
        cause: one line.
        machine: on which; empty where it is not known.
        iteration: of the checkpoint from which it goes on.
        goes_on: in this session; else in the next one.
        retry: the number of the retry, from 1; 0 where it counts nothing against the trial.
        retries: as many as there may be.
        machine_lost: the whole machine was lost.
        preempted: its process or machine was to end, and the trial has saved before that.
    """

    number: int
    cause: str
    machine: str = ""
    iteration: int = 0
    goes_on: bool = True
    retry: int = 0
    retries: int = 0
    machine_lost: bool = False
    preempted: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialSilent:
    """A trial has made no progress for so many seconds."""

    number: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class MachineStruckOff:
    """Trials break on a machine for reasons of its own: it gets no more of them."""

    machine: str
    cause: str


@dataclass(frozen=True, kw_only=True)
class SearchEnded:
    """The search is over for now: always the last event, after an error too."""

    interrupted: bool = False


TrialEvent: TypeAlias = (
    TrialStarted
    | TrialPlaced
    | TrialWentBack
    | TrialForked
    | TrialProgressed
    | TrialScored
    | TrialSilent
    | TrialBroken
    | TrialEnded
)
Event: TypeAlias = SearchStarted | TrialEvent | MachineStruckOff | SearchEnded


class Sink(Protocol):
    """Shows or keeps what happens; files and terminals are let go at `SearchEnded`."""

    def handle(self, event: Event) -> None:
        """Take note of one event."""
        ...


class FanOut:
    """One sink that hands each event to several, in their order.

    The end is told to those that have begun, and only to them: a start may be broken off between
    two, or in one. It reaches each of them, whatever another one raises.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._told: list[Sink] = []

    def handle(self, event: Event) -> None:
        match event:
            case SearchStarted():
                for sink in self._sinks:
                    sink.handle(event)
                    self._told.append(sink)
            case SearchEnded():
                with ExitStack() as stack:
                    for sink in reversed(self._told):
                        stack.callback(sink.handle, event)
            case _:
                for sink in self._sinks:
                    sink.handle(event)


def fan_out(*sinks: Sink) -> Sink:
    """Join several sinks to one."""
    return FanOut(sinks)
