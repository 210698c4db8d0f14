"""Segment a whole image by the decoder: at one scale, and at several with the mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.images import normalise
from toco_core.model.toco import ToCo

PUBLISHED_SCALES = (1.0, 1.25, 1.5)


class ImageLogits(NamedTuple):
    """Logits of one image at its own size, background first."""

    single: Tensor  # (C + 1, H, W) of the image as it is
    multi: Tensor  # (C + 1, H, W) over all scales and the mirror image


@torch.no_grad()
def segment(
    model: ToCo, pixels: Tensor, scales: Sequence[float], *, cut_off: bool = False
) -> ImageLogits:
    """Segment an image at one scale and at several (paper, section 4.1).

    At each scale the logits of image and mirror image are added; over scales the maximum counts.

    Args:
        model: in evaluation mode.
        pixels: (3, H, W) uint8, on the model's device. Images differ in size, and are not cropped.
        scales: factors of the image's sides. Without any, `multi` is `single`.
        cut_off: resize to the exact factor, as the authors do. The encoder then cuts off what does
            not fill a patch, and the rest is stretched over the image: by up to a patch at its far
            sides. By default a scaled side is rounded to whole patches.

    Raises:
        ValueError: with `cut_off`, if less than a patch is left of the image.
    """
    image = normalise(pixels)[None]  # (1, 3, H, W)
    single: Tensor | None = None
    multi: Tensor | None = None
    for scale in scales:
        straight, mirrored = _with_mirror(model, image, scale, cut_off)
        both = straight + mirrored
        multi = both if multi is None else torch.maximum(multi, both)
        single = straight if scale == 1 else single
    if single is None:
        single = _at_size(model, _scaled(model, image, 1.0, cut_off), image)[0]
    return ImageLogits(single, single if multi is None else multi)


def whole_patches(side: int, scale: float, patch: int) -> int:
    """Return a scaled side rounded to whole patches, at least one; px."""
    return max(round(scale * side / patch), 1) * patch


def _with_mirror(model: ToCo, image: Tensor, scale: float, cut_off: bool) -> tuple[Tensor, Tensor]:
    """Return the logits of image and un-mirrored mirror image, (C + 1, H, W) each."""
    scaled = _scaled(model, image, scale, cut_off)
    straight, mirrored = _at_size(model, torch.cat([scaled, scaled.flip(-1)]), image)
    return straight, mirrored.flip(-1)


def _scaled(model: ToCo, image: Tensor, scale: float, cut_off: bool) -> Tensor:
    height, width = image.shape[-2:]
    if cut_off:
        size = [int(scale * height), int(scale * width)]
    else:
        patch_height, patch_width = model.encoder.patch_size
        size = [
            whole_patches(height, scale, patch_height),
            whole_patches(width, scale, patch_width),
        ]
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False)


def _at_size(model: ToCo, images: Tensor, like: Tensor) -> Tensor:
    """Segment images (B, 3, h, w), and resize their logits to the size of (1, 3, H, W)."""
    logits = model.segment(images).float()  # autocast's would be resized in 8 bits
    size = [like.shape[-2], like.shape[-1]]
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
