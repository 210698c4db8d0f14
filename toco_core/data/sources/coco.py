"""COCO 2014: 80 classes, whose labels are 1..80 in ascending order of the category ids.

`train` is train2014 without masks, `report` is val2014, and `tune` is drawn out of the masks of
train2014; its images stay in `train` without masks, as those of VOC do. Images without an object
are left out, as is usual in weak supervision (82,081 and 40,137 remain). A crowd is a label of the
image, for it shows the class, and its pixels do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from toco_core.data.conversion.source import Source
from toco_core.data.images import encode_mask
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.coco_file import CocoCategory, CocoImage, Instances, read_instances
from toco_core.data.sources.coco_masks import Region, draw_mask
from toco_core.data.sources.files import read_part
from toco_core.data.splitting import Splitting, draw_splits
from toco_core.data.storage import DatasetError

# A score of VOC's 1,464 masks tells configurations apart; four times the classes want some more.
CONVENTION = Splitting(tune="train:2000", report="val")


class CocoEntry(NamedTuple):
    """An image of COCO."""

    name: str
    path: str
    height: int
    width: int
    categories: tuple[int, ...]
    regions: tuple[Region, ...] | None  # None where no mask is wanted


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
        return Row(
            name=entry.name,
            image=read_part(self.root, entry.path),
            labels=[self.labels[category] for category in entry.categories],
            mask=None if entry.regions is None else self._mask(entry, entry.regions),
        )

    def _mask(self, entry: CocoEntry, regions: tuple[Region, ...]) -> bytes:
        return encode_mask(draw_mask(regions, self.labels, entry.height, entry.width))


class _Pool(NamedTuple):
    """The images of train2014 or val2014 that show something."""

    directory: str
    images: dict[str, CocoImage]  # by name
    instances: Instances

    def entry(self, name: str, *, with_mask: bool) -> CocoEntry:
        image = self.images[name]
        found = self.instances.annotations[image.id]
        regions = tuple(
            Region(one.category_id, one.iscrowd, one.area, one.segmentation) for one in found
        )
        return CocoEntry(
            name=name,
            path=f"{self.directory}/{image.file_name}",
            height=image.height,
            width=image.width,
            categories=tuple(sorted({one.category_id for one in found})),
            regions=regions if with_mask else None,
        )


def coco_source(root: Path, splitting: Splitting = CONVENTION) -> Source:
    """List the images of COCO 2014.

    Args:
        root: a directory with `annotations`, `train2014` and `val2014` (or these in `images`).
        splitting: what `tune` and `report` take of the pools `train` and `val`; val2014 is only
            read if one of them does.

    Raises:
        DatasetError: a directory or annotation file is missing or wrong, or the splitting asks for
            too much.
    """
    asked = {share.pool for share in splitting.shares.values()}
    pools = {name: _read_pool(root, name) for name in ("train", "val") if name in {"train", *asked}}
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
        description="COCO 2014",
        class_names=tuple(category.name for category in categories),
        splits={"train": train, **masked},
        read=CocoReader(
            root=root, labels={one.id: label for label, one in enumerate(categories, start=1)}
        ),
        splitting=splitting,
        notes=tuple(_left_out(pool) for pool in pools.values()),
    )


def _read_pool(root: Path, name: str) -> _Pool:
    instances = read_instances(root / f"annotations/instances_{name}2014.json")
    shown = [image for image in instances.images if image.id in instances.annotations]
    images = {image.file_name.rpartition(".")[0]: image for image in shown}
    if len(images) < len(shown):
        raise DatasetError(f"{root}: instances_{name}2014.json names an image twice")
    for directory in (f"{name}2014", f"images/{name}2014"):
        if (root / directory).is_dir():
            return _Pool(directory, images, instances)
    raise DatasetError(f"{root} has no directory {name}2014, nor images/{name}2014")


def _same_categories(root: Path, pools: Mapping[str, _Pool]) -> list[CocoCategory]:
    first, *others = (pool.instances.categories for pool in pools.values())
    if any(other != first for other in others):
        raise DatasetError(f"{root}: the annotation files of train and val differ in categories")
    return first


def _left_out(pool: _Pool) -> str:
    count = len(pool.instances.images) - len(pool.images)
    return f"{pool.directory}: left out for showing no object: {count} images"
