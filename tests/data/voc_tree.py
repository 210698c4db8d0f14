"""A small tree of PASCAL VOC 2012: JPEGs, annotations, palette masks, lists, and SBD's masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.data.pictures import Picture, draw_picture, palette_png
from toco_core.data.sources.voc import CLASS_NAMES

OBJECT = "<object><name>{}</name><difficult>{}</difficult><part><name>head</name></part></object>"


@dataclass(frozen=True, kw_only=True)
class VocTree:
    """What is in the tree: pictures by name."""

    root: Path  # VOCdevkit/VOC2012
    train: dict[str, Picture]
    val: dict[str, Picture]
    extra: dict[str, Picture]  # of SBD alone

    @property
    def train_aug(self) -> dict[str, Picture]:
        return dict(sorted((self.train | self.extra).items()))

    def image(self, name: str) -> Path:
        return self.root / f"JPEGImages/{name}.jpg"

    def annotation(self, name: str) -> Path:
        return self.root / f"Annotations/{name}.xml"

    def mask(self, name: str) -> Path:
        return self.root / f"SegmentationClass/{name}.png"


def make_voc_tree(
    place: Path, *, train: int = 6, val: int = 4, extra: int = 5, classes: int = 20
) -> VocTree:
    """Write a tree of so many images; without `extra` there is no SBD."""
    random = np.random.default_rng(0)
    names = iter(f"2007_{number:06d}" for number in range(train + val + extra))

    def pictures(count: int) -> dict[str, Picture]:
        return {
            next(names): draw_picture(random, (1 + random.permutation(classes)[:2]).tolist())
            for _ in range(count)
        }

    tree = VocTree(
        root=place / "VOCdevkit/VOC2012",
        train=pictures(train),
        val=pictures(val),
        extra=pictures(extra),
    )
    for name, picture in (tree.train_aug | tree.val).items():
        _write(tree.image(name), picture.jpeg())
        objects = [
            OBJECT.format(CLASS_NAMES[box.label - 1], box.label % 2) for box in picture.boxes
        ]
        _write(tree.annotation(name), f"<annotation>{''.join(objects)}</annotation>".encode())
    for name, picture in (tree.train | tree.val).items():
        _write(tree.mask(name), palette_png(with_void(picture.mask())))
    for name, picture in (tree.train_aug | tree.val).items() if extra else ():
        _write(tree.root / f"SegmentationClassAug/{name}.png", palette_png(picture.mask()))
    for split in ("train", "val"):
        listed = "\n".join(getattr(tree, split)) + "\n"
        _write(tree.root / f"ImageSets/Segmentation/{split}.txt", listed.encode())
    return tree


def with_void(mask: np.ndarray) -> np.ndarray:
    """Return a mask with VOC's border between objects, here a line."""
    mask = mask.copy()
    mask[0] = 255
    return mask


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
