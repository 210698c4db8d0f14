"""How alike a pixel and its neighbours are: the weights of pixel-adaptive refinement.

The neighbours are views of the padded image, shifted: none is copied, and what is computed of one
direction fits into a processor's cache. Gathering all of them first takes three times as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.constants import constant

DIRECTIONS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
BANDWIDTH = 0.3  # of a difference, in standard deviations among the neighbours
POSITION_WEIGHT = 0.01
TINY = 1e-8  # standard deviation of what does not vary


@torch.no_grad()
def pixel_affinity(images: Tensor, dilations: Sequence[int]) -> Tensor:
    """Weigh the neighbours of every pixel by colour and by distance.

    Args:
        images: (B, 3, H, W) in 0..1.
        dilations: distances of the neighbours, px; eight for each, beyond the border its nearest
            pixel.

    Returns:
        (B, H, W, N) float32, contiguous; the N neighbours in the order of `neighbour_table`.
    """
    channels_first = images.float().transpose(0, 1).contiguous()  # (3, B, H, W)
    around = _shifted(channels_first, dilations)
    inverse = 1 / ((_spread(around) + TINY) * BANDWIDTH)  # (3, B, H, W)
    colour = channels_first.new_zeros(len(around), *channels_first.shape[1:])  # (N, B, H, W)
    for similarity, neighbour in zip(colour, around, strict=True):
        for channel in (neighbour - channels_first).mul_(inverse):
            similarity.addcmul_(channel, channel, value=-1 / 3)
    alike = colour.softmax(dim=0).permute(1, 2, 3, 0)  # (B, H, W, N)
    return alike.contiguous().add_(POSITION_WEIGHT * nearness_weights(dilations, images.device))


def neighbour_offsets(dilations: Sequence[int], device: torch.device) -> Tensor:
    """List the offsets of the neighbours, px down and px right: (2, N) int32."""
    offsets = [(d * y, d * x) for d in dilations for y, x in DIRECTIONS]
    down, right = zip(*offsets, strict=True)
    return constant([*down, *right], dtype=torch.int32, device=device).view(2, -1)


def neighbour_table(
    height: int, width: int, dilations: Sequence[int], device: torch.device
) -> Tensor:
    """List each pixel's neighbours, (H * W, N) int32; clamping is replicate padding."""
    down, right = neighbour_offsets(dilations, device)
    row = torch.arange(height, dtype=torch.int32, device=device)[:, None, None] + down  # (H, 1, N)
    column = torch.arange(width, dtype=torch.int32, device=device)[:, None] + right  # (W, N)
    table = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)  # (H, W, N)
    return table.flatten(0, 1)


def _shifted(images: Tensor, dilations: Sequence[int]) -> list[Tensor]:
    """Move images (..., H, W) by every offset: N views of one padded copy."""
    height, width = images.shape[-2:]
    margin = max(dilations)
    padded = F.pad(images, (margin, margin, margin, margin), mode="replicate")
    corners = [(margin + d * y, margin + d * x) for d in dilations for y, x in DIRECTIONS]
    return [padded[..., top : top + height, left : left + width] for top, left in corners]


def _spread(values: Sequence[Tensor]) -> Tensor:
    """Return the standard deviation over a list of tensors, unbiased."""
    mean = torch.zeros_like(values[0])
    for value in values:
        mean += value
    mean /= len(values)
    squares = torch.zeros_like(mean)
    for value in values:
        centred = value - mean
        squares.addcmul_(centred, centred)
    return squares.div_(len(values) - 1).sqrt_()


def nearness_weights(dilations: Sequence[int], device: torch.device) -> Tensor:
    """Weigh the neighbours by distance alone: (N,)."""
    distances = (d * math.hypot(y, x) for d in dilations for y, x in DIRECTIONS)
    offsets = constant(distances, device=device)
    scaled = offsets / ((offsets.std() + TINY) * BANDWIDTH)
    return (-(scaled**2)).softmax(dim=0)
