"""Numbers of the host on a device."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_KNOWN: dict[tuple[object, ...], Tensor] = {}


def constant(
    values: Iterable[float], *, device: torch.device, dtype: torch.dtype | None = None
) -> Tensor:
    """Return a tensor of a few numbers, (n,), without a wait for the device. Do not change it.

    `torch.tensor(..., device="cuda")` copies, and then waits until the device has done all that
    was asked of it before: a training step would stand still at each constant. A GPU keeps its
    constants, since a CUDA graph records no copy from the host.
    """
    numbers = tuple(values)
    key = (numbers, device, dtype)
    if key in _KNOWN:
        return _KNOWN[key]
    made = torch.tensor(numbers, dtype=dtype).to(device, non_blocking=True)
    if made.is_cuda and type(made) is Tensor:  # and no fake, which is of its own mode alone
        _KNOWN[key] = made
    return made
