"""Pictures of CAMs: the image, its CAM and the truth side by side."""

from __future__ import annotations

import numpy as np

from platform.results.pictures import overlay
from toco_core.data.schema import DatasetInfo
from toco_core.scoring import ScoredImage


def draw_cam(scored: ScoredImage, info: DatasetInfo) -> bytes:
    """Draw a scored image as PNG."""
    pixels = (scored.pixels * 255).round().byte().permute(1, 2, 0).numpy()
    return overlay(pixels, scored.cam.numpy(), scored.mask.numpy().astype(np.uint8), info.palette)
