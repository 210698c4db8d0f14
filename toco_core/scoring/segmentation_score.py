"""The score of the segmentation head, and the chunks that it adds up from.

Needs no torch: who only collects scores starts without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add, attrgetter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.kept_images import SegmentedImage
from toco_core.scoring.metrics import ConfusionMatrix

Variant = Literal["single", "multi", "crf"]

# Images run one by one, so that a chunk may be of any size; a small one shares the work evenly.
CHUNK_IMAGES = 4


@dataclass(frozen=True, kw_only=True)
class Method:
    """How an image is segmented, beside the single scale that is always scored."""

    scales: tuple[float, ...]  # each with the mirror image; none: only the single scale
    crf: bool = False  # sharpen the result of all scales

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What is scored."""
        several: tuple[Variant, ...] = ("multi",) if self.scales else ()
        refined: tuple[Variant, ...] = ("crf",) if self.crf else ()
        return ("single", *several, *refined)


@dataclass(frozen=True, kw_only=True)
class SegmentationChunk:
    """What one chunk of images contributes to a score."""

    first: int  # index of its first image in the split
    images: int
    masks_opened: int
    counts: Mapping[Variant, ConfusionMatrix]
    boundary: Mapping[Variant, ClassPixels] = field(default_factory=dict)  # rims, if asked for
    distances: Mapping[Variant, NDArray[np.float64]] = field(default_factory=dict)  # (n, K) px
    kept: tuple[SegmentedImage, ...] = ()
    computed_on: str = ""  # device and precision


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationScore:
    """The score of the segmentation head on one split."""

    images: int
    masks_opened: int
    counts: Mapping[Variant, ConfusionMatrix]
    boundary: Mapping[Variant, ClassPixels] = field(default_factory=dict)  # rims, if asked for
    distances: Mapping[Variant, NDArray[np.float64]] = field(default_factory=dict)  # (n, K) px
    computed_on: tuple[str, ...] = ()  # devices and precisions of its chunks


def add_up(parts: Iterable[SegmentationChunk]) -> SegmentationScore:
    """Add up the chunks of a split, in whatever order they come."""
    chunks = sorted(parts, key=attrgetter("first"))
    return SegmentationScore(
        images=sum(chunk.images for chunk in chunks),
        masks_opened=sum(chunk.masks_opened for chunk in chunks),
        counts={
            variant: reduce(add, (chunk.counts[variant] for chunk in chunks))
            for variant in chunks[0].counts
        },
        boundary={
            variant: reduce(add, (chunk.boundary[variant] for chunk in chunks))
            for variant in chunks[0].boundary
        },
        distances={
            variant: np.concatenate([chunk.distances[variant] for chunk in chunks])
            for variant in chunks[0].distances
        },
        computed_on=tuple(sorted({chunk.computed_on for chunk in chunks})),
    )
