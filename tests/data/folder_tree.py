"""A small folder of images with a table of labels, and masks for some of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.data.pictures import Picture, draw_picture, palette_png

CLASS_NAMES = ("cat", "dog", "emu")


@dataclass(frozen=True, kw_only=True)
class FolderTree:
    """What is in the folder: pictures by name, the first `masks` of them with a mask."""

    root: Path
    pictures: dict[str, Picture]
    masks: int

    @property
    def table(self) -> Path:
        return self.root / "labels.csv"

    def image(self, name: str) -> Path:
        return self.root / f"images/{name}.jpg"


def make_folder_tree(root: Path, *, images: int = 10, masks: int = 6) -> FolderTree:
    """Write a folder of so many images and masks."""
    random = np.random.default_rng(0)
    for directory in ("images/wild", *(["masks/wild"] if masks else [])):
        (root / directory).mkdir(parents=True)
    names = [f"{'wild/' if number % 2 else ''}animal{number}" for number in range(images)]
    pictures = {
        name: draw_picture(random, (1 + random.permutation(3)[:2]).tolist()) for name in names
    }
    tree = FolderTree(root=root, pictures=pictures, masks=masks)
    for name, picture in pictures.items():
        tree.image(name).write_bytes(picture.jpeg())
    for name in names[:masks]:
        (root / f"masks/{name}.png").write_bytes(palette_png(pictures[name].mask()))
    with tree.table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "labels"])
        for name, picture in pictures.items():
            labels = [CLASS_NAMES[label - 1] for label in picture.labels]
            # Both ways of writing it, with and without the suffix of the file.
            writer.writerow([name, " ".join(labels)] if "/" in name else [f"{name}.jpg", *labels])
    return tree
