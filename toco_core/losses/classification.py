"""The loss of the image-level classification."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from toco_core.losses.precision import at_least_float32


def multilabel_soft_margin(logits: Tensor, class_labels: Tensor) -> Tensor:
    """Classify images with several labels: logits, labels (B, C) -> scalar (section 3.1)."""
    logits = at_least_float32(logits)
    return F.multilabel_soft_margin_loss(logits, class_labels.to(logits.dtype))
