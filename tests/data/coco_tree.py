"""A small tree of COCO 2014: JPEGs, and annotation files with polygons, crowds and gaps of ids."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.data.pictures import Box, Picture, draw_picture

# As in COCO the ids have gaps; here they are not in order either.
CATEGORIES = {18: "dog", 1: "person", 90: "toothbrush", 10: "traffic light"}
CLASS_NAMES = ("person", "traffic light", "dog", "toothbrush")
ABSENT = "ABSENT"  # in place of a value that is to be dropped
CATEGORY_IDS = sorted(CATEGORIES)


@dataclass(frozen=True, kw_only=True)
class CocoTree:
    """What is in the tree: pictures by name; those without an object are not among them."""

    root: Path
    train: dict[str, Picture]
    val: dict[str, Picture]
    year: int = 2014

    def annotation_file(self, subset: str) -> Path:
        return self.root / f"annotations/instances_{subset}{self.year}.json"

    def image(self, name: str) -> Path:
        return self.root / name.split("_")[1] / f"{name}.jpg"

    def rename(self, year: int) -> CocoTree:
        """Give the files and directories the names of another year."""
        there = replace(self, year=year)
        for subset in ("train", "val"):
            self.annotation_file(subset).rename(there.annotation_file(subset))
            (self.root / f"{subset}{self.year}").rename(self.root / f"{subset}{year}")
        return there

    def change(self, subset: str, key: str, number: int, **values: Any) -> None:
        """Change an image, an annotation or a category of an annotation file; or drop of it."""
        content = json.loads(self.annotation_file(subset).read_text())
        content[key][number].update(values)
        for name in [name for name, value in values.items() if value is ABSENT]:
            del content[key][number][name]
        self.annotation_file(subset).write_text(json.dumps(content))


def make_coco_tree(place: Path, *, train: int = 8, val: int = 4) -> CocoTree:
    """Write a tree of so many images, and one more in each subset without an object."""
    random = np.random.default_rng(0)
    return CocoTree(
        root=place,
        train=_write_subset(place, "train", train, random),
        val=_write_subset(place, "val", val, random),
    )


def _write_subset(
    root: Path, subset: str, count: int, random: np.random.Generator
) -> dict[str, Picture]:
    (root / f"{subset}2014").mkdir(parents=True)
    pictures: dict[str, Picture] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count + 1):
        labels = (1 + random.permutation(len(CATEGORIES))[:2]).tolist() if number < count else []
        picture = draw_picture(random, labels)
        name = f"COCO_{subset}2014_{number:012d}"
        (root / f"{subset}2014/{name}.jpg").write_bytes(picture.jpeg())
        height, width = picture.size
        images.append({"id": number, "file_name": f"{name}.jpg", "height": height, "width": width})
        # The smallest first: what is drawn on top must not depend on the order of the file.
        annotations += [annotation(number, box) for box in reversed(picture.boxes)]
        if labels:
            pictures[name] = picture
    categories = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
    content = {"images": images, "annotations": annotations, "categories": categories, "info": {}}
    (root / "annotations").mkdir(exist_ok=True)
    (root / f"annotations/instances_{subset}2014.json").write_text(json.dumps(content))
    return pictures


def annotation(image_id: int, box: Box) -> dict[str, Any]:
    """Return the annotation of an object as a polygon."""
    corners = [box.left, box.top, box.right, box.top, box.right, box.bottom, box.left, box.bottom]
    return {
        "image_id": image_id,
        "category_id": CATEGORY_IDS[box.label - 1],
        "iscrowd": 0,
        "area": box.area,
        "segmentation": [[float(value) for value in corners]],
    }
