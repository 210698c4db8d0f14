"""Local crops of CTC: cut around uncertain and background regions (paper, section 3.3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

NEVER = 2**63 - 1  # key of a centre that is no candidate: sorts last


class LocalCrops(NamedTuple):
    """Local crops of a batch, and what CTC makes of each view."""

    crops: Tensor  # (B, n, 3, S, S)
    is_positive: Tensor  # (B, 2 + n) float, 1 positive or 0 negative; the two globals are 1


def cut_local_crops(
    images: Tensor,
    uncertainty: Tensor,
    seeds: Tensor,
    *,
    count: int,
    size: int,
    negative_share: float = 0.2,
    keys: Tensor | None = None,
) -> LocalCrops:
    """Cut crops around random centres where the uncertainty map says background or uncertain.

    Where an image has fewer such centres than crops, all its centres are candidates. A crop that
    shows nearly nothing but background is a negative view.

    Args:
        images: (B, 3, H, W), the local source.
        uncertainty: (B, H, W): 0 background, 1 uncertain, 2 foreground.
        seeds: (B,) int64; the choice follows from the seed and the map alone, on any device.
        count: crops of one image.
        size: side of a crop, px.
        negative_share: a crop whose mean uncertainty value is at most this is negative.
        keys: (B, centres) in raster order: smallest first instead of at random.

    Returns:
        The crops and the flags of all views.

    Raises:
        ValueError: the crops are larger than the images.
    """
    grid = centre_grid((images.shape[-2], images.shape[-1]), size)
    keys = random_keys(seeds, grid[0] * grid[1]) if keys is None else keys
    corners = _choose_corners(_candidates(uncertainty, grid, size, count), keys, grid[1], count)
    is_positive = _sum_inside(uncertainty, corners, size) > negative_share * size * size  # (B, n)
    return LocalCrops(_cut(images, corners, size), F.pad(is_positive.float(), (2, 0), value=1.0))


def centre_grid(image_size: tuple[int, int], size: int) -> tuple[int, int]:
    """Count the rows and columns of centres at least half a crop from the border.

    Raises:
        ValueError: a crop is larger than the image.
    """
    if size > min(image_size):
        raise ValueError(
            f"local crops of {size} px do not fit into images of {image_size[0]} x "
            f"{image_size[1]} px: make ctc.local_size smaller or data.crop_size larger"
        )
    margin = size // 2
    # The far border is half-open; an image as small as the crop still has its one centre.
    return max(image_size[0] - 2 * margin, 1), max(image_size[1] - 2 * margin, 1)


def random_keys(seeds: Tensor, count: int) -> Tensor:
    """Draw `count` keys for each seed: (B,) int64 -> (B, count) int64, never negative.

    A counter run through a hash (SplitMix64, Steele et al. 2014) in place of a generator: it draws
    the whole batch at once and the same on every device.
    """
    index = torch.arange(1, count + 1, device=seeds.device)
    mixed = _mix(_mix(seeds)[:, None] + index * _signed(0x9E3779B97F4A7C15))  # (B, count)
    return _shift(mixed, 2)


def _mix(state: Tensor) -> Tensor:
    state = (state ^ _shift(state, 30)) * _signed(0xBF58476D1CE4E5B9)
    state = (state ^ _shift(state, 27)) * _signed(0x94D049BB133111EB)
    return state ^ _shift(state, 31)


def _shift(state: Tensor, bits: int) -> Tensor:
    """Shift right as if the 64 bits had no sign."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)


def _signed(constant: int) -> int:
    return constant - 2**64 if constant >= 2**63 else constant


def _candidates(uncertainty: Tensor, grid: tuple[int, int], size: int, count: int) -> Tensor:
    """Mark the centres to choose from: (B, H, W) -> (B, centres) bool."""
    margin = size // 2
    centres = uncertainty[:, margin : margin + grid[0], margin : margin + grid[1]].flatten(1)
    wanted = centres <= 1
    return wanted | (wanted.sum(dim=1, keepdim=True) < count)


def _choose_corners(candidates: Tensor, keys: Tensor, columns: int, count: int) -> Tensor:
    """Take the candidates (B, centres) with the smallest keys: top-left corners (B, n, 2), px."""
    available = min(count, candidates.shape[1])
    ranked = keys.masked_fill(~candidates, NEVER).topk(available, largest=False).indices
    # Fewer centres than crops: go round again.
    chosen = ranked[:, torch.arange(count, device=keys.device) % available]  # (B, n)
    # Centre (row + half, column + half) of a crop <=> top-left corner (row, column).
    return torch.stack([chosen // columns, chosen % columns], dim=-1)


def _sum_inside(values: Tensor, corners: Tensor, size: int) -> Tensor:
    """Sum maps (B, H, W) over the square at each corner (B, n, 2), by integral image: (B, n)."""
    integral = F.pad(values.long().cumsum(dim=1).cumsum(dim=2), (1, 0, 1, 0))
    image = torch.arange(len(values), device=values.device)[:, None]
    top, left = corners.unbind(dim=-1)
    bottom, right = top + size, left + size
    return (
        integral[image, bottom, right]
        - integral[image, top, right]
        - integral[image, bottom, left]
        + integral[image, top, left]
    )


def _cut(images: Tensor, corners: Tensor, size: int) -> Tensor:
    """Gather the squares at the corners (B, n, 2): (B, 3, H, W) -> (B, n, 3, S, S)."""
    image = torch.arange(len(images), device=images.device)[:, None, None, None, None]
    channel = torch.arange(images.shape[1], device=images.device)[:, None, None]
    span = torch.arange(size, device=images.device)
    rows = (corners[..., :1] + span)[:, :, None, :, None]  # (B, n, 1, S, 1)
    columns = (corners[..., 1:] + span)[:, :, None, None, :]  # (B, n, 1, 1, S)
    return images[image, channel, rows, columns]
