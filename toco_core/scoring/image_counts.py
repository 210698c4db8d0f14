"""Counts of single images, so that a score can be had of any of them, or of images drawn anew.

They are those of `ThresholdHistogram`, image by image, at every hundredth instead of thousandth
threshold, and of the final CAM alone. Needs no torch, as the scores that hold them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import iou_of
from toco_core.scoring.threshold_grid import BINS, STEPS
from toco_core.scoring.thresholds import predicted_above

COARSE_STEPS = 100  # thresholds 0, 0.01, ..., 1: those of the curves that tables keep
COARSE_BINS = COARSE_STEPS + 2
# The first bin of values that lie above exactly 0, 1, ... of these thresholds.
_EDGES = [0, *range(1, BINS, STEPS // COARSE_STEPS)]
# An image has a row of 1,234 bytes for each label that its mask shows, background too: with 2.5 of
# them (VOC) a score of this many takes 6 MB in memory, and less than 2 in a file, packed.
MOST_IMAGES = 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageCounts:
    """Pixels of single images by class, by value of the CAM, and by what the truth says of them.

    One row for each image and each label that its mask shows or that it is labelled with.
    """

    images: int  # N: those with nothing to count have no row
    classes: int  # C, without background
    image: NDArray[np.int32]  # (R,) 0..N - 1, ascending
    label: NDArray[np.int16]  # (R,) 0..C
    truth: NDArray[np.int32]  # (R,) pixels of the image that have this label
    outcomes: NDArray[np.int32]  # (R, 3, 102) where it is the strongest class, by outcome and value

    @classmethod
    def of(
        cls,
        outcomes: NDArray[np.int64],
        truth: NDArray[np.int64],
        labelled: NDArray[np.bool_],
    ) -> Self:
        """Take the rows of some images out of their whole counts.

        Args:
            outcomes: (N, 3, C, 102).
            truth: (N, C + 1) pixels of each true label.
            labelled: (N, C) which classes an image is labelled with: no other is predicted.
        """
        wanted = (truth > 0) | np.pad(labelled, ((0, 0), (1, 0)))  # (N, C + 1)
        image, label = wanted.nonzero()
        padded = np.pad(outcomes, ((0, 0), (0, 0), (1, 0), (0, 0)))  # background is no CAM's class
        return cls(
            images=len(truth),
            classes=labelled.shape[1],
            image=image.astype(np.int32),
            label=label.astype(np.int16),
            truth=truth[image, label].astype(np.int32),
            outcomes=padded[image, :, label].astype(np.int32),
        )

    @classmethod
    def joined(cls, parts: Sequence[ImageCounts]) -> Self:
        """Join the counts of consecutive images; there is at least one part."""
        starts = np.cumsum([0, *(part.images for part in parts)])
        return cls(
            images=int(starts[-1]),
            classes=parts[0].classes,
            image=np.concatenate(
                [part.image + start for part, start in zip(parts, starts[:-1], strict=True)],
                dtype=np.int32,
            ),
            label=np.concatenate([part.label for part in parts]),
            truth=np.concatenate([part.truth for part in parts]),
            outcomes=np.concatenate([part.outcomes for part in parts]),
        )

    def curves(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score sets of images at every threshold.

        Args:
            weights: (S, N) how often each image is in each set.

        Returns:
            (S, 101) mIoU over the classes that a set shows; NaN where it shows none.
        """
        truth = np.zeros((weights.shape[0], self.classes + 1))
        above = np.zeros((weights.shape[0], 3, self.classes, COARSE_STEPS + 1))
        for label in np.unique(self.label):
            rows = self.label == label
            drawn = weights[:, self.image[rows]]  # (S, r)
            truth[:, label] = drawn @ self.truth[rows].astype(float)  # exact below 2^53
            if label:
                above[:, :, label - 1] = _totals(drawn, self.outcomes[rows])
        right, predicted = predicted_above(above, truth)  # (S, C + 1, 101)
        iou, present = iou_of(right, predicted, truth[..., None]), truth > 0
        shown = present.sum(axis=1)[:, None]
        with np.errstate(invalid="ignore"):
            return np.where(present[..., None], iou, 0.0).sum(axis=1) / shown


def coarse(outcomes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up bins of values, (..., 1002), to those between every tenth threshold, (..., 102)."""
    return np.add.reduceat(outcomes, _EDGES, axis=-1)


def _totals(drawn: NDArray[np.float64], outcomes: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the pixels above each threshold in each set, (S, 3, 101)."""
    above = outcomes[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]  # (r, 3, 101)
    flat = above.reshape(len(above), -1).astype(float)
    return (drawn @ flat).reshape(-1, 3, COARSE_STEPS + 1)
