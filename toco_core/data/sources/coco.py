"""COCO 2014 or 2017: 80 classes, whose labels are 1..80 in ascending order of the category ids.

`train` is train2014 without masks, `report` is val2014, and `tune` is drawn out of the masks of
train2014; its images stay in `train` without masks, as those of VOC do. Images without an object
are left out, as is usual in weak supervision (82,081 and 40,137 remain of 2014). A crowd is a label
of the image, for it shows the class, and its pixels do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from toco_core.data.carving import Carving, carve
from toco_core.data.conversion.source import Source
from toco_core.data.images import DECODE_ERRORS, encode_mask, image_size
from toco_core.data.names import plain_path, row_name_problem, shown_name
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.data.sources.coco_file import CocoCategory, CocoImage, Instances, read_instances
from toco_core.data.sources.coco_masks import Region, draw_mask
from toco_core.data.sources.files import read_part
from toco_core.data.storage import DatasetError, first_line
from toco_core.data.validation import require_size

if TYPE_CHECKING:
    from pathlib import Path

# A score of VOC's 1,464 masks tells configurations apart; four times the classes want some more.
CONVENTION = Carving(tune="train:2000", report="val")
DEFAULT_YEAR = 2014  # that of the published results


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


class _Pool(NamedTuple):
    """The images of train2014 or val2014 that show something."""

    directory: str  # of the images
    images: dict[str, CocoImage]  # by name
    instances: Instances

    def entry(self, name: str, *, with_mask: bool) -> CocoEntry:
        image = self.images[name]
        found = self.instances.annotations[image.id]
        regions = tuple(
            Region(one.category_id, bool(one.iscrowd), one.area, one.segmentation) for one in found
        )
        return CocoEntry(
            name=name,
            path=f"{self.directory}/{plain_path(image.file_name)}",
            height=image.height,
            width=image.width,
            categories=tuple(sorted({one.category_id for one in found})),
            regions=regions if with_mask else None,
        )


def coco_source(root: Path, carving: Carving = CONVENTION, year: int | None = None) -> Source:
    """List the images of COCO.

    Args:
        root: a directory with `annotations`, `train2014` and `val2014` (or these in `images`).
        carving: what `tune` and `report` take of the pools `train` and `val`; val2014 is only read
            if one of them does.
        year: of the names; by default that of the one `instances_train*.json` there is.

    Raises:
        DatasetError: a directory or annotation file is missing or wrong, the years are several, or
            the carving asks for too much.
    """
    year = _find_year(root) if year is None else year
    asked = {share.pool for share in carving.shares.values()}
    pools = {
        name: _read_pool(root, f"{name}{year}")
        for name in ("train", "val")
        if name in {"train", *asked}
    }
    carved = carve({name: list(pool.images) for name, pool in pools.items()}, carving)
    reported = set(carved.get("report", ()))
    train = [
        pools["train"].entry(name, with_mask=False)
        for name in pools["train"].images
        if name not in reported
    ]
    masked = {
        split: [pools[carving.shares[split].pool].entry(name, with_mask=True) for name in names]
        for split, names in carved.items()
    }
    categories = _same_categories(root, pools)
    return Source(
        description=f"COCO {year}",
        class_names=tuple(category.name for category in categories),
        splits={"train": train, **masked},
        read=CocoReader(
            root=root, labels={one.id: label for label, one in enumerate(categories, start=1)}
        ),
        carving=carving,
        notes=tuple(note for pool in pools.values() for note in _left_out(pool)),
    )


def _find_year(root: Path) -> int:
    files = (root / "annotations").glob("instances_train*.json")
    years = {int(file.stem[-4:]) for file in files if re.search(r"train\d{4}$", file.stem)}
    if len(years) > 1:
        found = " and ".join(map(str, sorted(years)))
        raise DatasetError(f"{root}/annotations is of {found}: choose one by --year")
    return years.pop() if years else DEFAULT_YEAR


def _read_pool(root: Path, name: str) -> _Pool:
    file = root / f"annotations/instances_{name}.json"
    instances = read_instances(file)
    images: dict[str, CocoImage] = {}
    for image in instances.images:
        path = plain_path(image.file_name)
        stem = path.removesuffix(PurePosixPath(path).suffix)
        if problem := row_name_problem(stem):
            raise DatasetError(f"{file}: {problem}")
        if stem in images:
            raise DatasetError(f"{file} names the image {shown_name(stem)} twice")
        images[stem] = image
    shown = {stem: one for stem, one in images.items() if one.id in instances.annotations}
    for directory in (name, f"images/{name}"):
        if (root / directory).is_dir():
            return _Pool(directory, shown, instances)
    raise DatasetError(f"{root} has no directory {name}, nor images/{name}")


def _same_categories(root: Path, pools: Mapping[str, _Pool]) -> list[CocoCategory]:
    first, *others = (pool.instances.categories for pool in pools.values())
    if any(other != first for other in others):
        raise DatasetError(f"{root}: the annotation files of train and val differ in categories")
    return first


def _left_out(pool: _Pool) -> Iterator[str]:
    count = len(pool.instances.images) - len(pool.images)
    yield f"{pool.directory}: left out for showing no object: {count} images"
    known = {image.id for image in pool.instances.images}
    strays = [one for one in pool.instances.annotations if one not in known]
    if strays:
        yield (
            f"{pool.directory}: annotations are of {len(strays)} images that are not listed, such "
            f"as id {strays[0]}"
        )
