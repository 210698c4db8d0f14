"""The score of a checkpoint, and the chunks that it adds up from.

Needs no torch: who only collects scores starts without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.image_counts import ImageCounts
from toco_core.scoring.kept_images import ScoredImage
from toco_core.scoring.metrics import F1Counts, ThresholdCurve, ThresholdHistogram

# One forward pass: the same chunks whatever the number of workers, and hence the same rounding.
CHUNK_IMAGES = 16


@dataclass(frozen=True, kw_only=True)
class CamEdges:
    """What is measured of the edges of what CAMs label, beside their mIoU.

    Attributes:
        bkg: background where the strongest CAM is at most this.
        boundary: count rims.
        hausdorff: measure distances.
    """

    bkg: float
    boundary: bool = False
    hausdorff: bool = False


@dataclass(frozen=True, kw_only=True)
class ChunkScore:
    """What one chunk of images contributes to a score."""

    first: int  # index of its first image in the split
    final: ThresholdHistogram
    auxiliary: ThresholdHistogram
    classification: F1Counts
    similarity: NDArray[np.float64]  # (n, blocks): mean cosine of an image's pairs of patch tokens
    agreement: NDArray[np.float64]  # (n,): of both CAMs of an image, in 0..1
    masks_opened: int
    kept: tuple[ScoredImage, ...] = ()
    computed_on: str = ""  # device and precision
    by_image: ImageCounts | None = None  # of the final CAMs of its images that were to be counted
    boundary: tuple[ClassPixels, ...] = ()  # rims of final and auxiliary CAM, if asked for
    distances: tuple[NDArray[np.float64], ...] = ()  # (n, K) px of both, if asked for


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """The score of one checkpoint on one split; every IoU is in 0..1, or NaN without masks."""

    images: int
    masks_opened: int
    final: ThresholdCurve
    auxiliary: ThresholdCurve
    f1: float  # of the image-level classification, macro average
    token_similarity: tuple[float, ...]  # per block
    agreement: float  # of the final and the auxiliary CAM, mean over images, in 0..1
    computed_on: tuple[str, ...] = ()  # devices and precisions of its chunks
    by_image: ImageCounts | None = None  # of the final CAM, where they were asked for
    boundary: tuple[ClassPixels, ...] = ()  # rims of final and auxiliary CAM, if asked for
    distances: tuple[NDArray[np.float64], ...] = ()  # (n, K) px of both, if asked for

    @property
    def bkg(self) -> float:
        """The background threshold with the highest mIoU of the final CAM."""
        return self.final.best().threshold

    @property
    def miou(self) -> float:
        """The mIoU of the final CAM at `bkg`."""
        return self.final.best().miou

    @property
    def aux_bkg(self) -> float:
        """The background threshold with the highest mIoU of the auxiliary CAM."""
        return self.auxiliary.best().threshold

    @property
    def aux_miou(self) -> float:
        """The mIoU of the auxiliary CAM at `aux_bkg`."""
        return self.auxiliary.best().miou

    @property
    def unsupervised(self) -> float:
        """What is known without a mask, in 0..1: the mean of three parts, each better if higher.

        F1 of the image labels, the agreement of both CAMs, and how far the final patch tokens of an
        image differ, 1 - their mean cosine.
        """
        return (self.f1 + self.agreement + 1 - self.token_similarity[-1]) / 3

    def at(self, bkg: float) -> float:
        """Return the mIoU of the final CAM at a threshold that was chosen elsewhere."""
        return self.final.at(bkg)

    def aux_at(self, bkg: float) -> float:
        """Return the mIoU of the auxiliary CAM at a threshold that was chosen elsewhere."""
        return self.auxiliary.at(bkg)


def chunks(images: int, size: int = CHUNK_IMAGES) -> list[range]:
    """Cut a split of so many images into the chunks that are scored together."""
    return [range(first, min(first + size, images)) for first in range(0, images, size)]


def summarise(parts: Iterable[ChunkScore]) -> Score:
    """Add up the chunks of a split, in whatever order they come."""
    ordered = sorted(parts, key=lambda part: part.first)
    similarity = np.concatenate([part.similarity for part in ordered])  # (images, blocks)
    counted = [part.by_image for part in ordered if part.by_image is not None]
    return Score(
        images=len(similarity),
        masks_opened=sum(part.masks_opened for part in ordered),
        final=reduce(add, (part.final for part in ordered)).curve(),
        auxiliary=reduce(add, (part.auxiliary for part in ordered)).curve(),
        f1=reduce(add, (part.classification for part in ordered)).macro_f1,
        token_similarity=tuple(
            math.fsum(block) / len(similarity) for block in similarity.T.tolist()
        ),
        agreement=math.fsum(np.concatenate([part.agreement for part in ordered])) / len(similarity),
        computed_on=tuple(sorted({part.computed_on for part in ordered})),
        by_image=ImageCounts.joined(counted) if counted else None,
        boundary=tuple(
            reduce(add, rims) for rims in zip(*(part.boundary for part in ordered), strict=True)
        ),
        distances=tuple(
            np.concatenate(side) for side in zip(*(part.distances for part in ordered), strict=True)
        ),
    )
