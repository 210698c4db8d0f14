"""What happens in one training run, as data, and how each number of a score is kept and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from platform.results.formats import duration, percent, threshold
from platform.results.score_fields import ScoreField, fields_of, score_field
from toco_core.scoring.image_counts import ImageCounts


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
        workers: that trained it; a float, since older tables have NaN there.
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
    workers: float = score_field(ScoreField(per_trial="latest", since=2))
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
# Of a training run, which may be a trial or not.
RunEvent: TypeAlias = Progressed | Scored | WentBack | Forked
