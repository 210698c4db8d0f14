"""Whether the losses of a step are numbers that something can be learnt from."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor


class NonFiniteLossError(ArithmeticError):
    """A loss became infinite or NaN."""


def check_finite(losses: Mapping[str, Tensor], iteration: int) -> dict[str, float]:
    """Return the losses as numbers, with one wait for the device.

    Raises:
        NonFiniteLossError: names the iteration and every loss that is infinite or NaN.
    """
    values = torch.stack([loss.detach().float() for loss in losses.values()])
    numbers = dict(zip(losses, values.tolist(), strict=True))
    broken = [f"{name} = {number}" for name, number in numbers.items() if not math.isfinite(number)]
    if broken:
        raise NonFiniteLossError(f"non-finite loss at iteration {iteration}: {', '.join(broken)}")
    return numbers
