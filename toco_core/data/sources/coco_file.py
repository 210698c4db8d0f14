"""The annotation files of COCO (``instances_*.json``)."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from toco_core.data.sources.files import read_text
from toco_core.data.storage import DatasetError
from toco_core.messages import first_refusal


class CocoImage(BaseModel):
    """A photograph; COCO says more of it than is needed."""

    id: int
    file_name: str
    height: int
    width: int


class CocoAnnotation(BaseModel):
    """One object, or one crowd of them."""

    image_id: int
    category_id: int
    iscrowd: bool | None = None
    area: float | None = None
    # Checked where it is drawn: one that is wrong is a matter of its image.
    segmentation: Any = None


class CocoCategory(BaseModel):
    """A class."""

    id: int
    name: str


class _Instances(BaseModel):
    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


class Instances(NamedTuple):
    """The content of an annotation file."""

    images: list[CocoImage]
    annotations: dict[int, list[CocoAnnotation]]  # by image
    categories: list[CocoCategory]  # in ascending order of their ids


def read_instances(path: Path) -> Instances:
    """Read an annotation file.

    Raises:
        DatasetError: it is missing, not JSON, or lacks something.
    """
    try:
        content = _Instances.model_validate_json(read_text(path))
    except ValidationError as error:
        where, reason = first_refusal(error)
        raise DatasetError(f"{path} is no annotation file of COCO: {where} {reason}") from error
    _require_ids(path, "images", [image.id for image in content.images])
    _require_ids(path, "categories", [category.id for category in content.categories])
    by_image: defaultdict[int, list[CocoAnnotation]] = defaultdict(list)
    for annotation in content.annotations:
        by_image[annotation.image_id].append(annotation)
    return Instances(
        content.images, dict(by_image), sorted(content.categories, key=lambda one: one.id)
    )


def _require_ids(path: Path, what: str, ids: list[int]) -> None:
    twice = next((one for one, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise DatasetError(f"{path}: two of the {what} have the id {twice}")
