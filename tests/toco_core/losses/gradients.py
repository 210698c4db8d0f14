"""The gradient of a loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def value_and_gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return a loss and its gradient with regard to `x`."""
    x = x.clone().requires_grad_()
    value = loss(x)
    return value.detach(), torch.autograd.grad(value, x)[0]
