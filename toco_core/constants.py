"""Numbers of the host on a device."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def constant(
    values: Iterable[float], *, device: torch.device, dtype: torch.dtype | None = None
) -> Tensor:
    """Return a tensor of a few numbers, (n,), without a wait for the device.

    `torch.tensor(..., device="cuda")` copies, and then waits until the device has done all that
    was asked of it before: a training step would stand still at each constant.
    """
    return torch.tensor(list(values), dtype=dtype).to(device, non_blocking=True)
