"""A page of PartScenes to look at.

`python -m toco_core.data.partscenes.contact_sheet sheet.png`
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toco_core.data.partscenes.classes import CLASS_NAMES
from toco_core.data.partscenes.scene import draw_scene
from toco_core.data.schema import default_palette

ENLARGEMENT = 2


def contact_sheet(rows: int, columns: int, seed: int, split: str) -> NDArray[np.uint8]:
    """Return rows of scenes, each row above the row of their masks: (H, W, 3)."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[: len(CLASS_NAMES) + 1] = default_palette(len(CLASS_NAMES))
    strips: list[NDArray[np.uint8]] = []
    for row in range(rows):
        indices = range(row * columns, (row + 1) * columns)
        scenes = [draw_scene(seed, split, index) for index in indices]
        strips.append(np.concatenate([scene.image for scene in scenes], axis=1))
        strips.append(np.concatenate([colours[scene.mask] for scene in scenes], axis=1))
    sheet = np.concatenate(strips, axis=0)
    return sheet.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1)


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="a .png file")
    parser.add_argument("--rows", type=int, default=3)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="train")
    options = parser.parse_args()
    sheet = contact_sheet(options.rows, options.columns, options.seed, options.split)
    Image.fromarray(sheet).save(options.output)


if __name__ == "__main__":
    main()
