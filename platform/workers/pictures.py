"""Pictures of what was scored: the image, what was made of it, and the truth side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from platform.results.pictures import overlay
from toco_core.cam.image_cam import all_classes
from toco_core.data.schema import DatasetInfo
from toco_core.scoring.kept_images import ScoredImage, SegmentedImage


def draw_cam(scored: ScoredImage, info: DatasetInfo) -> bytes:
    """Draw image, CAM and truth as PNG."""
    pixels = (scored.pixels * 255).round().byte().permute(1, 2, 0).numpy()
    return overlay(pixels, scored.cam.numpy(), _labels(scored.mask), info.palette)


def draw_segmentation(segmented: SegmentedImage, info: DatasetInfo) -> bytes:
    """Draw image, CAM, segmentation and truth as PNG."""
    cams = segmented.cams
    return overlay(
        segmented.pixels.permute(1, 2, 0).numpy(),
        all_classes(cams.final, cams.classes, info.num_classes).numpy(),
        _labels(segmented.mask),
        info.palette,
        _labels(segmented.labels),
    )


def _labels(mask: Tensor) -> NDArray[np.uint8]:
    return mask.numpy().astype(np.uint8)
