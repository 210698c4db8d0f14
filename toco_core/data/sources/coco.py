"""COCO 2014 or 2017: 80 classes, whose labels are 1..80 in ascending order of the category ids.

`train` is train2014 without masks, `report` is val2014, and `tune` is drawn out of the masks of
train2014; its images stay in `train` without masks, as those of VOC do. Images without an object
are left out, as is usual in weak supervision (82,081 and 40,137 remain of 2014). A crowd is a label
of the image, for it shows the class, and its pixels do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toco_core.data.conversion.source import Source
from toco_core.data.images import DECODE_ERRORS, encode_mask, image_size
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.coco_file import CocoCategory
from toco_core.data.sources.coco_masks import Region, draw_mask
from toco_core.data.sources.coco_pool import CocoEntry, CocoPool, find_year, read_pool
from toco_core.data.sources.files import read_part
from toco_core.data.splitting import Splitting, draw_splits
from toco_core.data.storage import DatasetError
from toco_core.data.validation import require_size
from toco_core.messages import first_line

# A score of VOC's 1,464 masks tells configurations apart; four times the classes want some more.
CONVENTION = Splitting(tune="train:2000", report="val")


@dataclass(frozen=True, kw_only=True)
class CocoReader:
    """Reads images of COCO, and draws their masks."""

    root: Path
    labels: Mapping[int, int]  # of each category

    def __call__(self, entry: CocoEntry) -> Row:
        """Read an image and draw its mask if it is wanted; may raise `RowError`."""
        foreign = [one for one in entry.categories if one not in self.labels]
        if foreign:
            raise RowError("label without a class", f"there is no category {foreign[0]}")
        image = read_part(self.root, entry.path)
        return Row(
            name=entry.name,
            image=image,
            labels=[self.labels[category] for category in entry.categories],
            mask=None if entry.regions is None else self._mask(entry, entry.regions, image),
        )

    def _mask(self, entry: CocoEntry, regions: tuple[Region, ...], image: bytes) -> bytes:
        try:
            size = image_size(image)
        except DECODE_ERRORS as error:
            raise RowError("corrupt image", first_line(error)) from error
        require_size((entry.height, entry.width), size, image)  # before that much is drawn
        return encode_mask(draw_mask(regions, self.labels, *size))


def coco_source(root: Path, splitting: Splitting = CONVENTION, year: int | None = None) -> Source:
    """List the images of COCO.

    Args:
        root: a directory with `annotations`, `train2014` and `val2014` (or these in `images`).
        splitting: what `tune` and `report` take of the pools `train` and `val`; val2014 is only
            read if one of them does.
        year: of the names; by default that of the one `instances_train*.json` there is.

    Raises:
        DatasetError: a directory or annotation file is missing or wrong, the years are several, or
            the splitting asks for too much.
    """
    year = find_year(root) if year is None else year
    asked = {share.pool for share in splitting.shares.values()}
    pools = {
        name: read_pool(root, f"{name}{year}")
        for name in ("train", "val")
        if name in {"train", *asked}
    }
    drawn = draw_splits({name: list(pool.images) for name, pool in pools.items()}, splitting)
    reported = set(drawn.get("report", ()))
    train = [
        pools["train"].entry(name, with_mask=False)
        for name in pools["train"].images
        if name not in reported
    ]
    masked = {
        split: [pools[splitting.shares[split].pool].entry(name, with_mask=True) for name in names]
        for split, names in drawn.items()
    }
    categories = _same_categories(root, pools)
    return Source(
        description=f"COCO {year}",
        class_names=tuple(category.name for category in categories),
        splits={"train": train, **masked},
        read=CocoReader(
            root=root, labels={one.id: label for label, one in enumerate(categories, start=1)}
        ),
        splitting=splitting,
        notes=tuple(note for pool in pools.values() for note in pool.notes()),
    )


def _same_categories(root: Path, pools: Mapping[str, CocoPool]) -> list[CocoCategory]:
    first, *others = (pool.instances.categories for pool in pools.values())
    if any(other != first for other in others):
        raise DatasetError(f"{root}: the annotation files of train and val differ in categories")
    return first
