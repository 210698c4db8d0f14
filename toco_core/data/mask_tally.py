"""What masks show of the labels of their images, counted over a split or a part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from toco_core.data.shards import Row
from toco_core.data.storage import DatasetError

NAMED = 5  # classes in a remark


class MaskLabels(NamedTuple):
    """What one mask shows."""

    classes: frozenset[int]  # of 1..C
    has_void: bool  # whether some of its pixels do not count


@dataclass(kw_only=True)
class MaskTally:
    """Counts of masks, and of the labels of their images.

    Attributes:
        shown: masks that show a class, by label.
        labelled: images with a mask, by each of their labels.
        void: those of `labelled` whose mask has pixels that do not count.
        hidden: labels of which the mask shows no pixel: another object may cover it.
        unlabelled: masks that show a class which their image is not labelled with.
        example: one of these, in words.
    """

    shown: Counter[int] = field(default_factory=Counter)
    labelled: Counter[int] = field(default_factory=Counter)
    void: Counter[int] = field(default_factory=Counter)
    hidden: int = 0
    unlabelled: int = 0
    example: str = ""

    def count(self, row: Row, mask: MaskLabels, class_names: Sequence[str]) -> str:
        """Count a mask, and say which classes it shows that are no labels of its image, if any."""
        labels = set(row.labels)
        self.shown.update(sorted(mask.classes))
        self.labelled.update(sorted(labels))
        if mask.has_void:
            self.void.update(sorted(labels))
        self.hidden += len(labels - mask.classes)
        unlabelled = ", ".join(class_names[label - 1] for label in sorted(mask.classes - labels))
        if not unlabelled:
            return ""
        said = f"the mask shows {unlabelled}, the labels do not"
        self.unlabelled += 1
        self.example = self.example or f"{row.name}: {said}"
        return said

    def add(self, other: MaskTally) -> None:
        """Add the counts of another part."""
        for counts, more in (
            (self.shown, other.shown),
            (self.labelled, other.labelled),
            (self.void, other.void),
        ):
            counts.update(more)
        self.hidden += other.hidden
        self.unlabelled += other.unlabelled
        self.example = self.example or other.example

    @property
    def never_shown(self) -> list[int]:
        """The labels of images with a mask that no mask shows."""
        return sorted(label for label in self.labelled if not self.shown[label])


def refuse_lost_classes(
    split: str, tally: MaskTally, class_names: Sequence[str], ignore_index: int = 255
) -> None:
    """Refuse masks in which a class seems to be drawn as pixels that do not count.

    A score of such masks says nothing: all that is wrong in them is ignored.

    Raises:
        DatasetError: a class is the label of images, no mask shows it, and all of theirs hold
            `ignore_index`.
    """
    for label in tally.never_shown:
        if tally.void[label] < tally.labelled[label]:
            continue
        way_out = (
            f"if {ignore_index} is meant for it, say --foreground {ignore_index}"
            if len(class_names) == 1
            else f"its pixels must be {label}"
        )
        raise DatasetError(
            f"{split}: no mask shows {class_names[label - 1]}, though {tally.labelled[label]} of "
            f"its images have it as a label, and their masks hold {ignore_index}, which does not "
            f"count: {way_out}"
        )


def unlabelled_remark(split: str, tally: MaskTally) -> list[str]:
    """Say how many masks of a split show what the labels of their image do not name."""
    if not tally.unlabelled:
        return []
    return [
        f"{split}: masks that show a class which is no label of their image: "
        f"{tally.unlabelled}, such as {tally.example}"
    ]


def hidden_remarks(split: str, tally: MaskTally, class_names: Sequence[str]) -> list[str]:
    """Say which labels no mask of a split shows: they are scored by what is wrongly found alone."""
    hidden = tally.never_shown
    if not hidden:
        return []
    named = (f"{class_names[label - 1]} ({tally.labelled[label]})" for label in hidden[:NAMED])
    more = f" and {len(hidden) - NAMED} more" if len(hidden) > NAMED else ""
    return [f"{split}: labels of so many images that no mask shows: {', '.join(named)}{more}"]
