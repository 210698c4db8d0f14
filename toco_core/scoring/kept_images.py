"""The images that a score keeps, with what was compared, to be looked at.

Needs no torch, as the scores that hold them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from toco_core.cam.image_cam import PresentCams


class ScoredImage(NamedTuple):
    """One image whose CAM was scored."""

    pixels: Tensor  # (3, H, W) in 0..1, at the size of the mask
    cam: Tensor  # (C, H, W) in 0..1, zero for absent classes
    mask: Tensor  # (H, W)


class SegmentedImage(NamedTuple):
    """One image whose segmentation was scored."""

    pixels: Tensor  # (3, H, W) uint8
    cams: PresentCams
    labels: Tensor  # (H, W) of the last variant that was scored
    mask: Tensor  # (H, W)
