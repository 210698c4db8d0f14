"""95 % Hausdorff distance between the edges of true and predicted regions, class by class.

The distances of each edge pixel to the other region's edge are taken both ways, and the larger of
the two 95th percentiles counts: the maximum itself is decided by a single stray pixel (Huttenlocher
et al., "Comparing Images Using the Hausdorff Distance", PAMI 1993).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from toco_core.scoring.boundary import rim

PERCENTILE = 95


def hausdorff_distances(
    truth: NDArray[np.integer],
    said: NDArray[np.integer],
    num_classes: int,
    ignore_index: int,
) -> NDArray[np.float64]:
    """Measure one image: (K,) px, NaN for background and for classes that the truth does not show.

    Where a class that is there was not found at all, the distance is the image's diagonal: no two
    of its pixels are further apart. Ignored pixels are no class, in the prediction either.

    Args:
        truth: (H, W) labels.
        said: (H, W) labels.
        num_classes: K, background included.
        ignore_index: true label of the pixels that do not count.
    """
    distances = np.full(num_classes, np.nan)
    said = np.where(truth == ignore_index, ignore_index, said)
    for label in np.setdiff1d(truth, [0, ignore_index]):
        distances[label] = _distance(truth == label, said == label)
    return distances


def mean_distances(by_image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over images of (N, K) distances: (K,), NaN for a class that none shows."""
    shown = ~np.isnan(by_image)
    with np.errstate(invalid="ignore"):
        return np.where(shown, by_image, 0.0).sum(axis=0) / shown.sum(axis=0)


def _distance(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    if not predicted.any():
        return math.hypot(*true.shape)
    return max(_one_way(true, predicted), _one_way(predicted, true))


def _one_way(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    away = np.asarray(distance_transform_edt(~rim(other, 1)))  # of each pixel, to the other's edge
    return float(np.percentile(away[rim(mask, 1)], PERCENTILE))
