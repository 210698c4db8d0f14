"""PASCAL VOC 2012, with the SBD masks (SegmentationClassAug) where they are there.

By the convention of weak supervision `train` is train_aug without masks, `tune` the 1,464 masks of
VOC's own train list, and `report` its val list. Labels are the object names of the annotations:
`difficult` objects count, since they are in the picture and in its mask. SBD took its images from
VOC's, so every image has an annotation: one without is a missing file, and no mask replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from toco_core.data.conversion.source import Source
from toco_core.data.shards import Row
from toco_core.data.sources.class_names import require_plain_classes
from toco_core.data.sources.files import read_part
from toco_core.data.sources.mask_files import label_mask, require_one_class
from toco_core.data.sources.voc_annotation import CLASS_NAMES, annotated_labels
from toco_core.data.sources.voc_lists import ORIGINS, find_root, image_list, training_names
from toco_core.data.splitting import Splitting, draw_splits

CONVENTION = Splitting(tune="train", report="val")


class VocEntry(NamedTuple):
    """An image of VOC, and whether its mask is wanted."""

    name: str
    with_mask: bool


@dataclass(frozen=True, kw_only=True)
class VocReader:
    """Reads images of a VOC2012 directory."""

    root: Path
    class_names: tuple[str, ...] = CLASS_NAMES
    foreground: int | None = None

    def __call__(self, entry: VocEntry) -> Row:
        """Read an image, its annotation, and its mask if it is wanted; may raise `RowError`."""
        annotation = read_part(self.root, f"Annotations/{entry.name}.xml")
        return Row(
            name=entry.name,
            image=read_part(self.root, f"JPEGImages/{entry.name}.jpg"),
            labels=annotated_labels(annotation, self.class_names),
            mask=self._mask(entry.name) if entry.with_mask else None,
        )

    def _mask(self, name: str) -> bytes:
        encoded = read_part(self.root, f"SegmentationClass/{name}.png")
        return label_mask(encoded, len(self.class_names), self.foreground)


def voc_source(
    place: Path,
    splitting: Splitting = CONVENTION,
    classes: Sequence[str] = (),
    foreground: int | None = None,
) -> Source:
    """List the images of VOC 2012, or of a tree that looks like it.

    Args:
        place: the VOC2012 directory, or one that holds it.
        splitting: what `tune` and `report` take of the pools `train` and `val`, VOC's own lists.
        classes: names of a tree's own classes, in the order of their labels; by default VOC's.
        foreground: the value in the masks that stands for the one class there is, if not 1.

    Raises:
        DatasetError: there is no such directory or list, or the splitting asks for too much.
    """
    require_plain_classes(place, CLASS_NAMES, classes)
    class_names = tuple(classes) or CLASS_NAMES
    require_one_class(foreground, class_names)
    root = find_root(place)
    pools = {name: image_list(root, name) for name in ("train", "val")}
    training, origin = training_names(root, pools)
    drawn = draw_splits(pools, splitting)
    reported = set(drawn.get("report", ()))
    train = [VocEntry(name, False) for name in training if name not in reported]
    masked = {split: [VocEntry(name, True) for name in names] for split, names in drawn.items()}
    return Source(
        description=f"{'a tree like VOC' if classes else 'PASCAL VOC 2012'}, {origin}",
        class_names=class_names,
        splits={"train": train, **masked},
        read=VocReader(root=root, class_names=class_names, foreground=foreground),
        splitting=splitting,
        notes=(ORIGINS[origin],),
        has_mask_files=True,
        reading={} if foreground is None else {"foreground": foreground},
    )
