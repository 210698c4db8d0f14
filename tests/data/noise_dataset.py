"""Rows of noise images, each different from all others."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from toco_core.data.shards import Row, ShardSizes

CLASS_NAMES = ("bird", "boat", "bus")
SIZES = ShardSizes(rows_per_group=4, rows_per_shard=12)


def encode(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def make_rows(count: int, *, seed: int = 0, with_masks: bool = True) -> list[Row]:
    random = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        height, width = random.integers(20, 40, 2).tolist()
        image = encode(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        mask = encode(random.choice([0, 1, 2, 3, 255], (height, width)).astype(np.uint8))
        labels = [1 + index % 3, 1 + (index + 1) % 3][: 1 + index % 2]
        rows.append(Row(f"row{index}", image, labels, mask if with_masks else None))
    return rows


def break_image(row: Row) -> Row:
    """Cut off the second half of the image: its header stays readable."""
    return row._replace(image=row.image[: len(row.image) // 2])
