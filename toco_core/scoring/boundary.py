"""Boundary IoU (Cheng et al., CVPR 2021): overlap of the inner rims of regions, class by class.

IoU of large regions hardly sees where their edges run; their rims do. The rim of a class are its
pixels that d erosions by a square of 3x3 take away, where d is 2 % of the image's diagonal; the
border of the image is an edge too. Rims are counted as pixels, over all images.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_cdt

from toco_core.scoring.class_pixels import ClassPixels

DILATION = 0.02  # of the diagonal, as in the paper


def boundary_pixels(
    truth: NDArray[np.integer],
    said: NDArray[np.integer],
    num_classes: int,
    ignore_index: int,
) -> ClassPixels:
    """Count the rims of one image.

    Ignored pixels are no class, in the prediction either: the rims of both then run along the same
    side of what is not known.

    Args:
        truth: (H, W) labels.
        said: (H, W) labels.
        num_classes: K, background included.
        ignore_index: true label of the pixels that do not count.
    """
    width = rim_width(*truth.shape)
    counts = np.zeros((3, num_classes), np.int64)
    said = np.where(truth == ignore_index, ignore_index, said)
    for label in np.union1d(truth, said):
        if label != ignore_index:
            true, predicted = rim(truth == label, width), rim(said == label, width)
            both = np.count_nonzero(true & predicted)
            counts[:, label] = both, np.count_nonzero(predicted), np.count_nonzero(true)
    return ClassPixels(*counts)


def rim_width(height: int, width: int) -> int:
    """Return how wide the rims of an image are, px; at least 1."""
    return max(1, round(DILATION * math.hypot(height, width)))


def rim(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return the pixels of a mask that so many erosions by a square of 3x3 take away, (H, W)."""
    away = np.asarray(distance_transform_cdt(np.pad(mask, 1), metric="chessboard"))
    return mask & (away[1:-1, 1:-1] <= width)
