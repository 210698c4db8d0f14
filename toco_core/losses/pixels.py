"""The loss of the segmentation: cross-entropy, balanced between background and foreground."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.losses.halves import Halves
from toco_core.losses.precision import at_least_float32


def balanced_cross_entropy(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Weigh background and foreground pixels half and half: the segmentation loss.

    Args:
        logits: (B, C + 1, H, W).
        labels: (B, H, W), any integer type.
        ignore_index: label of the pixels that do not count.

    Returns:
        Scalar; a half without pixels counts 0, where its mean would be NaN.
    """
    return balanced_loss(balanced_cross_entropy_sums(logits, labels, ignore_index))


def balanced_loss(halves: Halves) -> Tensor:
    """Return the mean of the means over both halves; one without pixels counts 0."""
    return 0.5 * (halves.sums / halves.counts.clamp(min=1)).sum()


def balanced_cross_entropy_sums(logits: Tensor, labels: Tensor, ignore_index: int = 255) -> Halves:
    """Sum the cross-entropy over background and over foreground pixels; arguments as above."""
    return balanced_sums(
        F.cross_entropy(
            at_least_float32(logits), labels.long(), ignore_index=ignore_index, reduction="none"
        ),
        labels,
        ignore_index,
    )


def balanced_sums(loss: Tensor, labels: Tensor, ignore_index: int = 255) -> Halves:
    """Sum the losses of pixels over background and over foreground: (B, H, W) each."""
    background = labels == 0
    foreground = ~background & (labels != ignore_index)
    sums = torch.stack([loss.where(half, 0).sum() for half in (background, foreground)])
    return Halves(sums, pixel_counts(labels, ignore_index))


def pixel_counts(labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Count background and foreground pixels: (B, H, W) -> (2,) int64."""
    background = (labels == 0).sum()
    return torch.stack([background, (labels != ignore_index).sum() - background])
