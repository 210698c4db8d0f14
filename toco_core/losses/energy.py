"""Dense energy of a segmentation: like colours, like labels (Tang et al., ECCV 2018)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from toco_core.boxes import box_mask
from toco_core.images import denormalize
from toco_core.losses.lattice_corners import SortedCorners, sort_corners
from toco_core.losses.permutohedral import PermutohedralLattice


class DenseEnergyLoss(nn.Module):
    """Penalise a segmentation that cuts through regions of one colour.

    Args:
        weight: of the energy, which is a sum over pairs of pixels and therefore huge.
        sigma_rgb: standard deviation of the colour kernel, intensities of 0..255.
        sigma_xy: standard deviation of the position kernel, px at full resolution.
        scale_factor: resolution at which the energy is computed.
    """

    def __init__(
        self,
        weight: float = 1e-7,
        sigma_rgb: float = 15.0,
        sigma_xy: float = 100.0,
        scale_factor: float = 0.5,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.sigma_rgb = sigma_rgb
        self.sigma_xy = sigma_xy
        self.scale_factor = scale_factor

    def forward(self, images: Tensor, logits: Tensor, labels: Tensor, boxes: Tensor) -> Tensor:
        """Compute the weighted energy.

        Args:
            images: (B, 3, H, W) ImageNet-normalised, as the network gets them; the intensities
                that `sigma_rgb` speaks of are restored here.
            logits: (B, C + 1, H, W).
            labels: (B, H, W); where 255, the energy acts in full, elsewhere by how unsure it is.
            boxes: (B, 4) px: only pixels inside take part.

        Returns:
            Scalar, at most 0.
        """
        probabilities = logits.float().softmax(dim=1)
        return self.of_probabilities(images, probabilities, labels, boxes)

    def of_probabilities(
        self,
        images: Tensor,
        probabilities: Tensor,
        labels: Tensor,
        boxes: Tensor,
        lattice: PermutohedralLattice | None = None,
    ) -> Tensor:
        """Compute the same from probabilities (B, C + 1, H, W) instead of logits.

        Args:
            images: as above, like labels and boxes.
            probabilities: of every pixel.
            labels: as above.
            boxes: as above.
            lattice: of the images, where it has been built already; else it is built here, and on
                a GPU the host waits for its size.
        """
        inside = box_mask(boxes, (labels.shape[-2], labels.shape[-1])).float()  # (B, H, W)
        probabilities = self._shrink(probabilities, "bilinear")
        inside = self._shrink(inside[:, None], "nearest")  # (B, 1, h, w)
        unlabelled = self._shrink((labels == 255).float()[:, None], "nearest") > 0
        lattice = lattice or PermutohedralLattice(self.corners(images))
        return self.weight * _Energy.apply(lattice, probabilities, inside, unlabelled)

    def corners(self, images: Tensor) -> SortedCorners:
        """Place the pixels of normalised images (B, 3, H, W) in the lattice of their energy."""
        return sort_corners(self._features(self._shrink(denormalize(images.float()), "nearest")))

    def _shrink(self, maps: Tensor, mode: str) -> Tensor:
        aligned = False if mode == "bilinear" else None
        return F.interpolate(
            maps,
            scale_factor=self.scale_factor,
            mode=mode,
            align_corners=aligned,
            recompute_scale_factor=True,
        )

    def _features(self, images: Tensor) -> Tensor:
        """Place the pixels of (B, 3, h, w) in space and colour: (B, h * w, 5)."""
        batch, _, height, width = images.shape
        row = torch.arange(height, dtype=images.dtype, device=images.device)
        column = torch.arange(width, dtype=images.dtype, device=images.device)
        rows, columns = torch.meshgrid(row, column, indexing="ij")
        place = torch.stack([columns, rows]) / (self.sigma_xy * self.scale_factor)  # (2, h, w)
        place = place.expand(batch, -1, -1, -1)
        return torch.cat([place, images / self.sigma_rgb], dim=1).flatten(2).transpose(1, 2)


class _Energy(Function):
    """The energy with its gradient, in which the gate counts as a constant."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        lattice: PermutohedralLattice,
        probabilities: Tensor,
        inside: Tensor,
        unlabelled: Tensor,
    ) -> Tensor:
        gate = inside - probabilities.amax(dim=1, keepdim=True)  # (B, 1, h, w)
        gate = gate.masked_fill(unlabelled, 1.0).clamp(min=0.0)
        masked = probabilities * inside  # (B, C + 1, h, w)
        values = masked.flatten(2).transpose(1, 2)  # (B, h * w, C + 1)
        filtered = lattice.filter(values)
        pull = gate * filtered.transpose(1, 2).unflatten(2, masked.shape[2:])
        ctx.save_for_backward(pull * inside)
        return -(masked * pull).sum() / len(probabilities)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (pull,) = ctx.saved_tensors
        return None, -2 * grad_outputs[0] * pull / len(pull), None, None
