"""What a search may maximise, and how that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from platform.results.events import CAM_MIOU, SCORE_FIELDS
from platform.results.formats import percent
from platform.results.score_fields import ScoreField

OBJECTIVE_KEY = "objective"  # under which a study keeps the name of what it maximises


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One number of a score, 0..1, the higher the better.

    Attributes:
        name: as on the command line.
        field: of `Scored`, which holds it.
        heading: of its column.
        words: what it is, within a sentence.
        beside: fields that stand beside it where there is room for a few numbers only.
        needs_masks: whether masks are opened for it.
    """

    name: str
    field: str
    heading: str
    words: str
    beside: Sequence[str]
    needs_masks: bool = True

    @property
    def brief(self) -> list[ScoreField]:
        """What is shown where there is room for a few numbers: it, and what stands beside it."""
        by_name = {one.name: one for one in SCORE_FIELDS}
        first = replace(by_name[self.field], heading=self.heading, text=percent)
        return [first, *(by_name[name] for name in self.beside)]


OBJECTIVES: Mapping[str, Objective] = {
    one.name: one
    for one in (
        Objective(
            name=CAM_MIOU,
            field="score",
            heading="CAM mIoU",
            words="mIoU of the final CAM",
            beside=("aux_score", "bkg"),
        ),
        Objective(
            name="aux_miou",
            field="aux_score",
            heading="aux. CAM mIoU",
            words="mIoU of the auxiliary CAM",
            beside=("score", "aux_bkg"),
        ),
        Objective(
            name="f1",
            field="f1",
            heading="F1",
            words="F1 of the image labels",
            beside=("score", "aux_score"),
        ),
        Objective(
            name="unsupervised",
            field="unsupervised",
            heading="unsupervised",
            words="mean of F1, agreement of both CAMs and 1 - token similarity",
            beside=("f1", "agreement"),
            needs_masks=False,
        ),
    )
}
