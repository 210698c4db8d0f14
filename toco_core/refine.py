"""Pixel-adaptive refinement (PAR) of CAMs, and the labels that supervise the segmentation.

PAR replaces each pixel's scores by a weighted sum over 48 neighbours, ten times. The weights are
one sparse matrix per image, so an iteration is `embedding_bag`: PyTorch's product of a sparse and
a dense matrix, several times faster than 48 shifted multiply-adds and without their memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.pseudo_labels import ignore_outside

DIRECTIONS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
BANDWIDTH = 0.3  # of a difference, in standard deviations among the neighbours
POSITION_WEIGHT = 0.01


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

    def __call__(self, images: Tensor, masks: Tensor) -> Tensor:
        """Refine masks (B, K, H, W) with images (B, 3, H, W) in 0..1; returns (B, K, H, W)."""
        if images.shape[-2:] != masks.shape[-2:] or len(images) != len(masks):
            raise ValueError(
                f"images {tuple(images.shape)} and masks {tuple(masks.shape)} must have the same "
                "batch and size: resize one to the other"
            )
        batch, channels, height, width = masks.shape
        table = _neighbours(height, width, self.dilations, masks.device)  # (H * W, N)
        weights = self._affinity(images.float().flatten(2), table).flatten(0, 1)  # (B * H * W, N)
        first = torch.arange(batch, dtype=table.dtype, device=table.device) * len(table)
        rows = (table + first[:, None, None]).flatten(0, 1)  # (B * H * W, N)
        values = masks.float().permute(0, 2, 3, 1).reshape(-1, channels)  # (B * H * W, K)
        for _ in range(self.num_iterations):
            values = F.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")
        return values.view(batch, height, width, channels).permute(0, 3, 1, 2).contiguous()

    def _affinity(self, pixels: Tensor, table: Tensor) -> Tensor:
        """Weigh the neighbours `table` (P, N) of every pixel: (B, 3, P) -> (B, P, N)."""
        colour = torch.zeros((), device=pixels.device)
        for channel in pixels.unbind(dim=1):  # one at a time: a third of the memory
            around = channel.index_select(1, table.flatten()).unflatten(1, table.shape)  # (B, P, N)
            difference = around - channel[:, :, None]
            colour = colour + _distance(difference, around) / pixels.shape[1]
        offsets = [d * math.hypot(y, x) for d in self.dilations for y, x in DIRECTIONS]
        position = torch.tensor(offsets, device=pixels.device)  # (N,) px
        nearness = _distance(position, position).softmax(dim=-1)  # (N,)
        return colour.softmax(dim=-1) + POSITION_WEIGHT * nearness


def _distance(difference: Tensor, values: Tensor) -> Tensor:
    """Measure differences in standard deviations of the values (last axis); nearer is larger."""
    # `Tensor.std` is this number at ten times the cost on a CPU.
    centred = values - values.mean(dim=-1, keepdim=True)
    norm = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    spread = norm / math.sqrt(values.shape[-1] - 1) + 1e-8
    return -((difference / (spread * BANDWIDTH)) ** 2)


@lru_cache(maxsize=4)
def _neighbours(
    height: int, width: int, dilations: tuple[int, ...], device: torch.device
) -> Tensor:
    """List each pixel's neighbours, (H * W, 8 * dilations); clamping is replicate padding."""
    offsets = [(d * y, d * x) for d in dilations for y, x in DIRECTIONS]
    down, right = torch.tensor(offsets, dtype=torch.int32, device=device).T
    row = torch.arange(height, dtype=torch.int32, device=device)[:, None, None] + down  # (H, 1, N)
    column = torch.arange(width, dtype=torch.int32, device=device)[:, None] + right  # (W, N)
    table = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)  # (H, W, N)
    return table.flatten(0, 1)


@torch.no_grad()
def refine_labels(
    refiner: PixelAdaptiveRefinement,
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
        refiner: works at half the resolution.
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
