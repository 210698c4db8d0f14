"""The edges of what images were labelled: their rims, and how far they are off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.boundary import boundary_pixels
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.hausdorff import hausdorff_distances


class EdgeTally:
    """Measures edges image by image, by each measure that is asked for.

    Args:
        num_classes: K, background included.
        ignore_index: true label of the pixels that do not count.
        boundary: count the rims of the classes.
        hausdorff: measure the 95 % Hausdorff distances.

    Attributes:
        rims: of all images so far; None unless they are counted.
    """

    def __init__(
        self, num_classes: int, ignore_index: int, *, boundary: bool, hausdorff: bool
    ) -> None:
        self._counted = num_classes, ignore_index
        self.rims = ClassPixels.empty(num_classes) if boundary else None
        self._by_image: list[NDArray[np.float64]] | None = [] if hausdorff else None

    def add(self, truth: NDArray[np.integer], said: NDArray[np.integer]) -> None:
        """Measure an image by its true labels and those that it was given, (H, W) both."""
        if self.rims is not None:
            self.rims += boundary_pixels(truth, said, *self._counted)
        if self._by_image is not None:
            self._by_image.append(hausdorff_distances(truth, said, *self._counted))

    @property
    def distances(self) -> NDArray[np.float64] | None:
        """(n, K) px of the images so far; None unless they are measured."""
        return None if self._by_image is None else np.stack(self._by_image)
