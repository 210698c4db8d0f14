"""Valid boxes: the part of a padded crop that shows the image."""

from __future__ import annotations

import torch
from torch import Tensor


def box_mask(
    boxes: Tensor, size: tuple[int, int], cell: tuple[float, float] = (1.0, 1.0)
) -> Tensor:
    """Mark the cells of a grid that lie wholly inside each image's valid box.

    Args:
        boxes: (B, 4) rows from:to, columns from:to, px; what lies outside the grid is ignored.
        size: cells of the grid, (H, W).
        cell: extent of one cell in px, (rows, columns); (1, 1) is the pixel grid itself.

    Returns:
        (B, H, W) bool.
    """
    rows = _inside(boxes[:, 0:2], size[0], cell[0])  # (B, H)
    columns = _inside(boxes[:, 2:4], size[1], cell[1])  # (B, W)
    return rows[:, :, None] & columns[:, None, :]


def _inside(ends: Tensor, count: int, extent: float) -> Tensor:
    begin = torch.arange(count, device=ends.device) * extent  # (count,)
    return (begin >= ends[:, :1]) & (begin + extent <= ends[:, 1:])  # (B, count)
