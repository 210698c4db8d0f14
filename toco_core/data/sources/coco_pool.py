"""The images of one annotation file of COCO, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from toco_core.data.names import plain_path, row_name_problem
from toco_core.data.sources.coco_file import CocoImage, Instances, read_instances
from toco_core.data.sources.coco_masks import Region
from toco_core.data.storage import DatasetError
from toco_core.messages import shown

DEFAULT_YEAR = 2014  # that of the published results


class CocoEntry(NamedTuple):
    """An image of COCO."""

    name: str
    path: str
    height: int
    width: int
    categories: tuple[int, ...]
    regions: tuple[Region, ...] | None  # None where no mask is wanted


class CocoPool(NamedTuple):
    """The images of train2014 or val2014 that show something."""

    directory: str  # of the images
    images: dict[str, CocoImage]  # by name
    instances: Instances

    def entry(self, name: str, *, with_mask: bool) -> CocoEntry:
        """Return an image as it is read, with what its mask is drawn from if that is wanted."""
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

    def notes(self) -> Iterator[str]:
        """Say what of the file is in no split."""
        count = len(self.instances.images) - len(self.images)
        yield f"{self.directory}: left out for showing no object: {count} images"
        known = {image.id for image in self.instances.images}
        strays = [one for one in self.instances.annotations if one not in known]
        if strays:
            yield (
                f"{self.directory}: annotations are of {len(strays)} images that are not listed, "
                f"such as id {strays[0]}"
            )


def find_year(root: Path) -> int:
    """Return the year of the one `instances_train*.json` there is.

    Raises:
        DatasetError: there are several.
    """
    files = (root / "annotations").glob("instances_train*.json")
    years = {int(file.stem[-4:]) for file in files if re.search(r"train\d{4}$", file.stem)}
    if len(years) > 1:
        found = " and ".join(map(str, sorted(years)))
        raise DatasetError(f"{root}/annotations is of {found}: choose one by --year")
    return years.pop() if years else DEFAULT_YEAR


def read_pool(root: Path, name: str) -> CocoPool:
    """Read the annotation file of a pool, such as `train2014`, and find its images.

    Raises:
        DatasetError: the file or the directory is missing, or the file is wrong.
    """
    file = root / f"annotations/instances_{name}.json"
    instances = read_instances(file)
    images: dict[str, CocoImage] = {}
    for image in instances.images:
        path = plain_path(image.file_name)
        stem = path.removesuffix(PurePosixPath(path).suffix)
        if problem := row_name_problem(stem):
            raise DatasetError(f"{file}: {problem}")
        if stem in images:
            raise DatasetError(f"{file} names the image {shown(stem)} twice")
        images[stem] = image
    with_object = {stem: one for stem, one in images.items() if one.id in instances.annotations}
    for directory in (name, f"images/{name}"):
        if (root / directory).is_dir():
            return CocoPool(directory, with_object, instances)
    raise DatasetError(f"{root} has no directory {name}, nor images/{name}")
