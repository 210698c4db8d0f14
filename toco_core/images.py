"""Between pictures and the network's ImageNet-normalised images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from toco_core.constants import constant

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_pixels(image: Image.Image) -> Tensor:
    """Return the pixels of an RGB image as (3, H, W) uint8."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def normalise(pixels: Tensor) -> Tensor:
    """Turn pixels 0..255, (..., 3, H, W), into ImageNet-normalised float32 ones."""
    mean, std = _statistics(torch.float32, pixels.device)
    return (pixels - mean * 255).div_(std * 255)


def normalisation(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale and shift, (3,) float32 each, that normalise pixels 0..255."""
    mean, std = (one.flatten() for one in _statistics(torch.float32, like.device))
    scale = 1 / (std * 255)
    return scale, -mean * 255 * scale


def denormalize(images: Tensor) -> Tensor:
    """Undo the ImageNet normalisation.

    Args:
        images: (B, 3, H, W) normalised.

    Returns:
        (B, 3, H, W) float intensities, 0..255, neither rounded nor clipped.
    """
    mean, std = _statistics(images.dtype, images.device)
    return images * (std * 255) + mean * 255


def _statistics(dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
    """Return mean and standard deviation of ImageNet's channels, each (3, 1, 1), in 0..1."""
    both = (IMAGENET_MEAN, IMAGENET_STD)
    return (constant(one, dtype=dtype, device=device).view(3, 1, 1) for one in both)


def eight_bit(images: Tensor) -> Tensor:
    """Undo the ImageNet normalisation and truncate to 8 bits: the images that PAR compares.

    Args:
        images: (B, 3, H, W) normalised.

    Returns:
        (B, 3, H, W) in 0..1, multiples of 1/255.
    """
    # By way of int32: a float outside 0..255 has no defined conversion to uint8.
    return denormalize(images).to(torch.int32).to(torch.uint8).to(images.dtype) / 255


def resize_maps(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (K, h, w), where K may be 0, bilinearly to (K, H, W), as the authors do."""
    if not len(maps):
        return maps.new_zeros(0, *size)
    return F.interpolate(maps[None], size=list(size), mode="bilinear", align_corners=False)[0]
