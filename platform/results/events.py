"""What happens in a search, as data: everything shown or kept is made from these events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from platform.results.formats import duration, percent, threshold
from platform.results.parameters import ParameterValue
from platform.results.score_fields import ScoreField, fields_of, score_field
from toco_core.scoring.image_counts import ImageCounts

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
    """

    number: int
    params: Mapping[str, ParameterValue]
    iteration: int = 0
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialPlaced:
    """A trial runs; on which machine is known once it has something to say."""

    number: int
    machine: str = ""


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """A run has trained up to `iteration`.

    Attributes:
        losses: by name, those in force.
        seconds: training time since the run's previous progress, s.
    """

    iteration: int
    losses: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A checkpoint of a run has been scored.

    Times and mask reads are those since the run's previous score, so that they add up.

    Attributes:
        score: mIoU of the final CAM at the best background threshold, 0..1.
        aux_score: the same of the auxiliary CAM.
        bkg: the background threshold at which `score` is reached.
        aux_bkg: the one at which `aux_score` is reached.
        curve: mIoU of the final CAM at the thresholds 0.00, 0.01 .. 1.00.
        class_iou: IoU of each class at `bkg`, background first; NaN where it is absent.
        f1: F1 of the image-level classification.
        token_similarity: mean cosine of the patch tokens after each block.
        agreement: of the final and the auxiliary CAM, 0..1.
        unsupervised: what is known without masks, 0..1, see `toco_core.scoring.cam_score.Score`.
        seconds_training: training time, s.
        seconds_scoring: time of the evaluation workers, s.
        mask_reads: masks opened for the score.
        pictures: PNG bytes, see `platform.results.pictures`.
        counts: of its images one by one, with the last score of a trial.
    """

    iteration: int
    score: float = score_field(
        ScoreField(
            heading="CAM mIoU",
            text=percent,
            tag="cam/miou",
            per_trial="latest",
            compared=True,
        )
    )
    aux_score: float = score_field(
        ScoreField(
            heading="aux",
            text=percent,
            tag="cam/miou_aux",
            per_trial="latest",
            compared=True,
        )
    )
    bkg: float = score_field(
        ScoreField(
            heading="bkg",
            text=threshold,
            tag="cam/bkg",
            per_trial="latest",
            compared=True,
        )
    )
    aux_bkg: float = score_field(ScoreField(heading="aux bkg", text=threshold))
    curve: Sequence[float] = score_field(ScoreField(kind="floats"))
    class_iou: Sequence[float] = score_field(ScoreField(kind="floats"))
    f1: float = score_field(
        ScoreField(
            heading="F1", text=percent, tag="cam/class_f1", per_trial="latest", compared=True
        )
    )
    token_similarity: Sequence[float] = score_field(
        ScoreField(kind="floats", tag="token_similarity/block_{:02d}")
    )
    agreement: float = score_field(
        ScoreField(heading="agree", text=percent, tag="cam/agreement", per_trial="latest", since=2)
    )
    unsupervised: float = score_field(
        ScoreField(tag="cam/unsupervised", per_trial="latest", since=2)
    )
    seconds_training: float = score_field(
        ScoreField(heading="training", text=duration, tag="cost/training_seconds", per_trial="sum")
    )
    seconds_scoring: float = score_field(
        ScoreField(heading="scoring", text=duration, tag="cost/scoring_seconds", per_trial="sum")
    )
    mask_reads: int = score_field(ScoreField(kind="int", per_trial="sum"))
    pictures: Sequence[bytes] = ()
    counts: ImageCounts | None = None


@dataclass(frozen=True, kw_only=True)
class WentBack:
    """A run goes on from before its newest checkpoint, because that is damaged.

    Attributes:
        iteration: from which it goes on.
        damage: one line, which files are damaged.
    """

    iteration: int
    damage: str


@dataclass(frozen=True, kw_only=True)
class Forked:
    """A run goes on from a checkpoint that an equal one has left: so far the two are one.

    Attributes:
        iteration: from which it goes on. Its scores up to there, which follow, are those of the
            other run: they took no time and opened no mask.
    """

    iteration: int


SCORE_FIELDS = fields_of(Scored)
RunEvent: TypeAlias = (
    Progressed | Scored | WentBack | Forked
)  # of a training run, which may be a trial or not


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
    """

    number: int
    cause: str
    machine: str = ""
    iteration: int = 0
    goes_on: bool = True
    retry: int = 0
    retries: int = 0
    machine_lost: bool = False


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
