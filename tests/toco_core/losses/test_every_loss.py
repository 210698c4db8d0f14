from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.toco_core.losses.small_losses import ctc, ptc, seg

LOSSES = [(ptc, (2, 4, 2, 3)), (ctc, (10, 3)), (seg, (2, 3, 2, 3))]


@pytest.mark.parametrize(("loss", "shape"), LOSSES)
def test_gradient_is_the_derivative(
    loss: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(loss, torch.randn(shape).double().requires_grad_())


@pytest.mark.parametrize(("loss", "shape"), LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(
    loss: Callable[[Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape).to(dtype)
    assert loss(x).dtype == torch.float32
    assert torch.equal(loss(x), loss(x.float()))
