"""What a search may maximise, and how that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from platform.results.events import CAM_MIOU
from platform.results.formats import percent
from platform.results.run_events import SCORE_FIELDS
from platform.results.score_fields import ScoreField

_BRIEF = 3  # numbers
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
        others: maximised too, each for itself: the search is for the front of all.
    """

    name: str
    field: str
    heading: str
    words: str
    beside: Sequence[str]
    needs_masks: bool = True
    others: Sequence[Objective] = ()

    @property
    def parts(self) -> Sequence[Objective]:
        """It and the others, in the order of the command line."""
        return (self, *self.others)

    @property
    def fields(self) -> Sequence[str]:
        """The fields of `Scored` that hold what is maximised."""
        return [one.field for one in self.parts]

    @property
    def brief(self) -> list[ScoreField]:
        """What is shown where there is room for a few numbers: it, and what stands beside it."""
        by_name = {one.name: one for one in SCORE_FIELDS}
        maximised = [
            replace(by_name[one.field], heading=one.heading, text=percent) for one in self.parts
        ]
        beside = [by_name[name] for name in self.beside if name not in self.fields]
        return [*maximised, *beside][: max(_BRIEF, len(maximised))]


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


@cache
def find_objective(text: str) -> Objective:
    """Return the objective of a name; of several, cam_miou,f1, the first with the others in it.

    Raises:
        ValueError: there is none of that name, or one stands there twice.
    """
    names = text.split(",")
    for name in names:
        if name not in OBJECTIVES:
            raise ValueError(f"objective {name!r} is not one of {', '.join(OBJECTIVES)}")
        if names.count(name) > 1:
            raise ValueError(f"{name} stands there twice")
    first, *others = (OBJECTIVES[name] for name in names)
    masks = any(one.needs_masks for one in (first, *others))
    return replace(first, name=text, others=tuple(others), needs_masks=masks) if others else first
