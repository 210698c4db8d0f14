"""Pixel-adaptive refinement (PAR) of CAMs, and the labels that supervise the segmentation.

PAR replaces each pixel's scores by a weighted sum over 48 neighbours, ten times. The weights are
one sparse matrix per image, so an iteration is `embedding_bag`: PyTorch's product of a sparse and
a dense matrix, several times faster than 48 shifted multiply-adds and without their memory. On
a GPU it is two kernels of our own (`toco_core.kernels.par`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.pixel_affinity import (
    BANDWIDTH,
    POSITION_WEIGHT,
    TINY,
    nearness_weights,
    neighbour_offsets,
    neighbour_table,
    pixel_affinity,
)
from toco_core.cam.pseudo_labels import ignore_outside
from toco_core.kernels.operators import average_neighbours, has_kernels, neighbour_weights


class PixelAdaptiveRefinement:
    """Refine score maps along the colours of the image (Ru et al., CVPR 2022, section 3.3).

    Args:
        num_iterations: how often the neighbours are averaged.
        dilations: distances of the neighbours, px; eight for each.

    Raises:
        ValueError: a negative number of iterations, or no or non-positive dilations.
    """

    def __init__(
        self, num_iterations: int = 10, dilations: Sequence[int] = (1, 2, 4, 8, 12, 24)
    ) -> None:
        if num_iterations < 0:
            raise ValueError(f"num_iterations {num_iterations} must be 0 or more")
        if not dilations or min(dilations) < 1:
            raise ValueError(
                f"dilations {tuple(dilations)} must be one or more distances from 1 px"
            )
        self.num_iterations = num_iterations
        self.dilations = tuple(dilations)
        self._known: tuple[tuple[int, int, torch.device], Tensor] | None = None  # the last table

    def __call__(self, images: Tensor, masks: Tensor) -> Tensor:
        """Refine masks (B, K, H, W) with images (B, 3, H, W) in 0..1; returns (B, K, H, W)."""
        if images.shape[-2:] != masks.shape[-2:] or len(images) != len(masks):
            raise ValueError(
                f"images {tuple(images.shape)} and masks {tuple(masks.shape)} must have the same "
                "batch and size: resize one to the other"
            )
        if has_kernels(masks):
            return self._by_kernels(images.float().contiguous(), masks.float().contiguous())
        batch, channels, height, width = masks.shape
        table = self._table(height, width, masks.device)  # (H * W, N)
        weights = pixel_affinity(images, self.dilations).flatten(0, 2)  # (B * H * W, N)
        first = torch.arange(batch, dtype=table.dtype, device=table.device) * len(table)
        rows = (table + first[:, None, None]).flatten(0, 1)  # (B * H * W, N)
        values = masks.float().permute(0, 2, 3, 1).reshape(-1, channels)  # (B * H * W, K)
        for _ in range(self.num_iterations):
            values = F.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")
        return values.view(batch, height, width, channels).permute(0, 3, 1, 2).contiguous()

    def _by_kernels(self, images: Tensor, masks: Tensor) -> Tensor:
        offsets = neighbour_offsets(self.dilations, images.device)  # (2, N)
        nearness = POSITION_WEIGHT * nearness_weights(self.dilations, images.device)  # (N,)
        weights = neighbour_weights(images, offsets, nearness, BANDWIDTH, TINY)  # (B, N, H * W)
        for _ in range(self.num_iterations):
            masks = average_neighbours(masks, weights, offsets)
        return masks

    def _table(self, height: int, width: int, device: torch.device) -> Tensor:
        key = (height, width, device)
        if self._known is None or self._known[0] != key:
            self._known = (key, neighbour_table(height, width, self.dilations, device))
        return self._known[1]


@torch.no_grad()
def refine_labels(
    refiner: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    cam: Tensor,
    class_labels: Tensor,
    low: float,
    high: float,
    boxes: Tensor,
    ignore_index: int = 255,
) -> Tensor:
    """Turn CAMs into the labels of the segmentation loss (paper, section 3.4).

    Args:
        refiner: a `PixelAdaptiveRefinement`, or the like; works at half the resolution.
        images: (B, 3, H, W) in 0..1, see `toco_core.images.eight_bit`.
        cam: (B, C, H, W) in 0..1.
        class_labels: (B, C), 0/1.
        low: background score that a class has to beat not to be background.
        high: background score that a class has to beat to be foreground; between, `ignore_index`.
        boxes: (B, 4) px; `ignore_index` outside.
        ignore_index: the label of pixels that do not count.

    Returns:
        (B, H, W) int64.
    """
    size = (cam.shape[-2], cam.shape[-1])
    half = (size[0] // 2, size[1] // 2)
    small_images = F.interpolate(images, size=half, mode="bilinear", align_corners=False)
    small_cam = F.interpolate(cam, size=half, mode="bilinear", align_corners=False)
    scores = [_class_scores(small_cam, class_labels, background) for background in (high, low)]
    refined = refiner(small_images, torch.cat(scores, dim=1))  # (B, 2 * (C + 1), H / 2, W / 2)
    refined = F.interpolate(refined, size=size, mode="bilinear", align_corners=False)
    # `max` and not `argmax`, on the contiguous result: several times faster on a CPU.
    strict, lenient = (part.max(dim=1).indices for part in refined.chunk(2, dim=1))  # (B, H, W)
    labels = strict.masked_fill(strict == 0, ignore_index)
    labels = labels.masked_fill((strict == 0) & (lenient == 0), 0)
    return ignore_outside(labels, boxes, ignore_index=ignore_index)


def _class_scores(cam: Tensor, class_labels: Tensor, background: float) -> Tensor:
    """Softmax over a constant background and the classes present: (B, C, H, W) -> (B, C + 1, H, W).

    Absent classes get exactly 0: as if they were left out, with no count that depends on the data.
    """
    absent = (class_labels == 0)[:, :, None, None]
    foreground = cam.masked_fill(absent, -math.inf)
    return F.pad(foreground, (0, 0, 0, 0, 1, 0), value=background).softmax(dim=1)
