"""Numbers as JSON can hold them, and the numbers of each class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.hausdorff import mean_distances

OVERLAPS = "iou", "dice", "precision", "recall"  # of `ClassPixels`


def number(value: float) -> float | None:
    """Return a number, or null where there is none."""
    return value if math.isfinite(value) else None


def by_class(class_names: Sequence[str], values: Sequence[float]) -> dict[str, float | None]:
    """Name the values of all classes."""
    return dict(zip(class_names, map(number, values), strict=True))


def overlap_content(
    class_names: Sequence[str], pixels: ClassPixels, prefix: str = ""
) -> dict[str, dict[str, float | None]]:
    """Return the overlaps of all classes, by names such as `class_iou`."""
    return {
        f"{prefix}class_{name}": by_class(class_names, getattr(pixels, name).tolist())
        for name in OVERLAPS
    }


def boundary_content(
    class_names: Sequence[str], rims: ClassPixels | None, prefix: str = ""
) -> dict[str, Any]:
    """Return the boundary IoU of all classes and their mean; nothing where no rim was counted."""
    if rims is None:
        return {}
    return {
        f"{prefix}boundary_miou": number(mean_iou(rims)),
        f"{prefix}class_boundary_iou": by_class(class_names, rims.iou.tolist()),
    }


def distance_content(
    class_names: Sequence[str], by_image: NDArray[np.float64] | None, prefix: str = ""
) -> dict[str, Any]:
    """Return the 95 % Hausdorff distance of all classes and their mean, px, if it was measured."""
    if by_image is None:
        return {}
    distances = mean_distances(by_image)
    return {
        f"{prefix}hausdorff_95": number(mean_distance(distances)),
        f"{prefix}class_hausdorff_95": by_class(class_names, distances.tolist()),
    }


def mean_distance(distances: NDArray[np.float64]) -> float:
    """Return the mean over the classes that the truth shows; NaN where it shows none."""
    shown = distances[~np.isnan(distances)]
    return float(shown.mean()) if len(shown) else math.nan


def mean_iou(pixels: ClassPixels) -> float:
    """Return the mean over the classes that the truth shows; NaN where it shows none."""
    shown = pixels.iou[pixels.truth > 0]
    return float(shown.mean()) if len(shown) else math.nan
