from __future__ import annotations

import torch

from toco_core.losses.classification import multilabel_soft_margin


def test_cls_is_the_mean_binary_cross_entropy() -> None:
    logits, labels = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    expected = -(torch.tensor(2.0).sigmoid().log() + torch.tensor(1.0).sigmoid().log()) / 2
    torch.testing.assert_close(multilabel_soft_margin(logits, labels), expected)
