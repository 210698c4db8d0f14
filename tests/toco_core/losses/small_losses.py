"""Small batches of each loss, as functions of what has a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from toco_core.losses import (
    balanced_cross_entropy,
    class_token_contrast,
    patch_token_contrast,
)

FLAGS = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0]])


def ptc(tokens: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    affinity = torch.randint(0, 3, (2, 6, 6), generator=generator)  # 2 counts as neither
    return patch_token_contrast(tokens, affinity)


def ctc(student: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    teacher = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    teacher = teacher if student.dtype == torch.float64 else teacher.float()
    return class_token_contrast(student, teacher, FLAGS, 0.5)


def seg(logits: Tensor) -> Tensor:
    labels = torch.tensor([[[0, 1, 255], [2, 0, 0]], [[255, 2, 2], [1, 0, 1]]])
    return balanced_cross_entropy(logits, labels)
