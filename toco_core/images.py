"""Between pictures and the network's ImageNet-normalised images."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_pixels(image: Image.Image) -> Tensor:
    """Return the pixels of an RGB image as (3, H, W) uint8."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def normalise(pixels: Tensor) -> Tensor:
    """Turn pixels 0..255, (..., 3, H, W), into ImageNet-normalised float32 ones."""
    mean = torch.tensor(IMAGENET_MEAN, device=pixels.device).view(3, 1, 1) * 255
    std = torch.tensor(IMAGENET_STD, device=pixels.device).view(3, 1, 1) * 255
    return (pixels - mean).div_(std)


def denormalize(images: Tensor) -> Tensor:
    """Undo the ImageNet normalisation.

    Args:
        images: (B, 3, H, W) normalised.

    Returns:
        (B, 3, H, W) float intensities, 0..255, neither rounded nor clipped.
    """
    mean = torch.tensor(IMAGENET_MEAN, dtype=images.dtype, device=images.device).view(3, 1, 1)
    std = torch.tensor(IMAGENET_STD, dtype=images.dtype, device=images.device).view(3, 1, 1)
    return images * (std * 255) + mean * 255


def eight_bit(images: Tensor) -> Tensor:
    """Undo the ImageNet normalisation and truncate to 8 bits: the images that PAR compares.

    Args:
        images: (B, 3, H, W) normalised.

    Returns:
        (B, 3, H, W) in 0..1, multiples of 1/255.
    """
    # By way of int32: a float outside 0..255 has no defined conversion to uint8.
    return denormalize(images).to(torch.int32).to(torch.uint8).to(images.dtype) / 255
