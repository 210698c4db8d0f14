"""What the ranks of a run add up among themselves."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed
from torch import Tensor


def sum_over_ranks(counts: Tensor, world_size: int) -> Tensor:
    """Return the sum of a tensor over all ranks, which all call this."""
    if world_size > 1:
        counts = counts.clone()
        torch.distributed.all_reduce(counts)
    return counts


def average_over_ranks(losses: Mapping[str, Tensor], world_size: int) -> dict[str, Tensor]:
    """Average over ranks: a loss that is not finite on one of them is so on all, and all stop."""
    values = torch.stack([loss.detach() for loss in losses.values()])
    return dict(zip(losses, sum_over_ranks(values, world_size) / world_size, strict=True))
