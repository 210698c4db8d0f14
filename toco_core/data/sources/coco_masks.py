"""From the instances of a COCO image to one mask of classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toco_core.data.problems import RowError
from toco_core.data.sources.run_lengths import run_length_pixels

IGNORE = 255
TRIANGLE = 6  # coordinates; fewer enclose no area, and pycocotools would take four for a box


class Region(NamedTuple):
    """The pixels of one instance, or of a crowd."""

    category_id: int
    is_crowd: bool
    area: float | None  # px; None where the file does not say it
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
    for region in sorted(regions, key=lambda one: (not one.is_crowd, -_area(one, height, width))):
        inside = region_pixels(region.segmentation, height, width)
        mask[inside] = IGNORE if region.is_crowd else labels[region.category_id]
    return mask


def _area(region: Region, height: int, width: int) -> float:
    """Return an area in px: what the file says, or else the pixels that are drawn."""
    if region.area is not None and 0 < region.area < math.inf:
        return region.area
    return float(np.count_nonzero(region_pixels(region.segmentation, height, width)))


def region_pixels(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Return (H, W), true where a segmentation is.

    Raises:
        RowError: it is neither polygons nor run lengths of this size.
    """
    try:
        if isinstance(segmentation, list):
            return _polygon_pixels(segmentation, height, width)
        if not isinstance(segmentation, dict):
            raise ValueError("there is none" if segmentation is None else "it is no list")
        if segmentation.get("size") != [height, width]:
            raise ValueError(f"its run lengths are not of {height} x {width} px")
        return run_length_pixels(segmentation.get("counts"), height, width)
    except (TypeError, ValueError, OverflowError) as error:
        raise RowError("corrupt annotation", f"a segmentation cannot be drawn: {error}") from error


def _polygon_pixels(polygons: list[Any], height: int, width: int) -> NDArray[np.bool_]:
    from pycocotools import mask as coco_mask

    # pycocotools walks along every edge, wherever it leads: to 1e9 it takes all memory.
    least, most = -max(height, width), 2 * max(height, width)
    parts: Any = []  # its stub knows run lengths alone
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64)  # (2 x points,), x before y
        if corners.ndim != 1 or corners.size % 2:
            raise ValueError("a polygon is no list of x,y,x,y")
        strange = corners[~((corners >= least) & (corners <= most))]  # NaN too
        if strange.size:
            raise ValueError(
                f"a polygon goes to {strange[0]:g}, far out of an image of {height} x {width} px"
            )
        if corners.size >= TRIANGLE:
            parts.append(corners.tolist())
    if not parts:
        return np.zeros((height, width), np.bool_)
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, height, width))).astype(
        np.bool_
    )
