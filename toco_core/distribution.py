"""A training step that several ranks share."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from toco_core.step import ToCoLosses
from toco_core.terms import leaves_parameters_unused


def distribute(losses: ToCoLosses, world_size: int) -> nn.Module:
    """Let the ranks average their gradients in the backward pass of a step."""
    if world_size == 1:
        return losses
    return DistributedDataParallel(
        losses,
        # There are stages whose loss does not reach every parameter; the search for them costs.
        find_unused_parameters=leaves_parameters_unused(losses.recipe),
        broadcast_buffers=False,
    )


def average_over_ranks(losses: Mapping[str, Tensor], world_size: int) -> dict[str, Tensor]:
    """Average over ranks: a loss that is not finite on one of them is so on all, and all stop."""
    values = torch.stack([loss.detach() for loss in losses.values()])
    if world_size > 1:
        torch.distributed.all_reduce(values)
        values /= world_size
    return dict(zip(losses, values, strict=True))
