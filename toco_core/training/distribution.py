"""A training step that several ranks share."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from toco_core.step import ToCoLosses
from toco_core.terms.objective import leaves_parameters_unused


def distribute(losses: ToCoLosses) -> nn.Module:
    """Let the ranks average their gradients in the backward pass of a step."""
    if losses.world_size == 1:
        return losses
    return DistributedDataParallel(
        losses,
        # There are stages whose loss does not reach every parameter; the search for them costs.
        find_unused_parameters=leaves_parameters_unused(losses.recipe),
        broadcast_buffers=False,
    )
