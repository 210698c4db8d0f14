"""From the instances of a COCO image to one mask of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toco_core.data.problems import RowError

IGNORE = 255
TRIANGLE = 6  # coordinates; fewer enclose no area, and pycocotools would take four for a box


class Region(NamedTuple):
    """The pixels of one instance, or of a crowd."""

    category_id: int
    is_crowd: bool
    area: float  # px
    segmentation: Any  # polygons, or run lengths


def draw_mask(
    regions: Iterable[Region], labels: Mapping[int, int], height: int, width: int
) -> NDArray[np.uint8]:
    """Draw the mask of an image.

    Crowds come first, as pixels that do not count: who stands before a crowd does. Then the
    instances from the largest to the smallest: the cup on the table would be lost otherwise.

    Args:
        regions: what is drawn.
        labels: the label of each category.
        height: of the mask, px.
        width: of the mask, px.

    Raises:
        RowError: a segmentation cannot be drawn.
    """
    mask = np.zeros((height, width), np.uint8)
    for region in sorted(regions, key=lambda one: (not one.is_crowd, -one.area)):
        inside = region_pixels(region.segmentation, height, width)
        mask[inside] = IGNORE if region.is_crowd else labels[region.category_id]
    return mask


def region_pixels(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Return (H, W), true where a segmentation is.

    Raises:
        RowError: it is neither polygons nor run lengths of this size.
    """
    from pycocotools import mask as coco_mask

    try:
        if isinstance(segmentation, list):
            parts = [part for part in segmentation if len(part) >= TRIANGLE]
            if not parts:
                return np.zeros((height, width), np.bool_)
            encoded = coco_mask.merge(coco_mask.frPyObjects(parts, height, width))
        else:
            encoded = _run_lengths(segmentation, height, width)
        return coco_mask.decode(encoded).astype(np.bool_)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RowError("corrupt annotation", f"a segmentation cannot be drawn: {error}") from error


def _run_lengths(segmentation: Any, height: int, width: int) -> Any:
    from pycocotools import mask as coco_mask

    counts = segmentation["counts"]
    # Checked here: pycocotools fills what it is told to, whatever the size.
    is_whole = isinstance(counts, str) or sum(counts) == height * width
    if segmentation["size"] != [height, width] or not is_whole:
        raise ValueError(f"its run lengths are not of {height} x {width} px")
    if isinstance(counts, str):
        return {"size": [height, width], "counts": counts.encode()}
    return coco_mask.frPyObjects(segmentation, height, width)
