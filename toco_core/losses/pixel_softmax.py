"""The softmax over the classes of every pixel, computed once for both losses that read it.

At full resolution it is the largest tensor of a step. The segmentation loss wants the logarithm
at each pixel's label, the dense energy all of it; apart, each would keep one and pass it back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


class PixelSoftmax(NamedTuple):
    """What the losses of the segmentation read."""

    probabilities: Tensor  # (B, K, H, W)
    cross_entropy: Tensor  # (B, H, W), 0 where the label does not count


def pixel_softmax(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> PixelSoftmax:
    """Compute the probabilities of every pixel, and the cross-entropy with its label.

    Args:
        logits: (B, K, H, W), float32 or float64.
        labels: (B, H, W), any integer type, 0..K - 1 or `ignore_index`.
        ignore_index: label of the pixels that do not count.
    """
    return PixelSoftmax(*_PixelSoftmax.apply(logits, labels.long(), ignore_index))


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge maps (..., h, w) bilinearly to `size`, as `F.interpolate` without aligned corners.

    Two products with matrices of weights: several times faster than its gradient on a CPU, and on a
    GPU deterministic, which its gradient is not.
    """
    down, across = (
        _weights(old, new, maps) for old, new in zip(maps.shape[-2:], size, strict=True)
    )
    return down @ (maps @ across.T)


def _weights(old: int, new: int, like: Tensor) -> Tensor:
    """Weigh `old` points for each of `new` points between them: (new, old)."""
    units = torch.eye(old, dtype=like.dtype, device=like.device)[None]
    return F.interpolate(units, size=new, mode="linear", align_corners=False)[0].T


class _PixelSoftmax(Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, logits: Tensor, labels: Tensor, ignore_index: int
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        counts = labels != ignore_index
        labels = labels.where(counts, 0)
        logarithms = logits.log_softmax(dim=1)
        cross_entropy = -logarithms.gather(1, labels[:, None]).squeeze(1)
        probabilities = logarithms.exp_()
        ctx.save_for_backward(probabilities, labels, counts)
        return probabilities, cross_entropy.where(counts, 0)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, ...]:
        of_probabilities, of_entropy = grad_outputs
        probabilities, labels, counts = ctx.saved_tensors
        slope = torch.zeros_like(labels, dtype=probabilities.dtype)[:, None]  # (B, 1, H, W)
        if of_entropy is not None:
            slope = of_entropy.where(counts, 0)[:, None]
        if of_probabilities is None:
            gradient = probabilities * slope
        else:
            mean = (of_probabilities * probabilities).sum(dim=1, keepdim=True)
            gradient = (of_probabilities - (mean - slope)).mul_(probabilities)
        return gradient.scatter_add_(1, labels[:, None], -slope), None, None
