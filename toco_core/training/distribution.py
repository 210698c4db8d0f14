"""A training step that several ranks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from toco_core.step import ToCoLosses


class Distribution:
    """Lets the ranks average their gradients in the backward pass of a step.

    DistributedDataParallel (DDP) waits for a gradient of every weight that it was built with. Where
    a stage begins that trains more of them, it is built anew: to search each step for those without
    a gradient, as `find_unused_parameters` does, costs a pass over the graph and a further meeting.

    Args:
        losses: of one rank.
    """

    def __init__(self, losses: ToCoLosses) -> None:
        self.losses = losses
        self._wrapped: nn.Module = losses
        self._idle: frozenset[str] | None = None

    def is_border(self, iteration: int) -> bool:
        """Whether the ranks begin a stage with this iteration, that of the start included."""
        return self.losses.world_size > 1 and self._idle != self._idle_at(iteration)

    def at(self, iteration: int) -> nn.Module:
        """Return what computes the losses of an iteration, wrapped where several ranks share it."""
        if self.is_border(iteration):
            self._wrap(self._idle_at(iteration))
        return self._wrapped

    def _idle_at(self, iteration: int) -> frozenset[str]:
        return self.losses.objective.idle_parts(iteration)

    def _wrap(self, idle: frozenset[str]) -> None:
        self._wrapped = self.losses  # the hooks of the old one leave the weights with it
        parts = (getattr(self.losses.model, name) for name in idle)
        with _without_gradient(weight for part in parts for weight in part.parameters()):
            self._wrapped = DistributedDataParallel(
                self.losses,
                forward_sync_buffers=False,  # they are constants of the backbone, if it has any
                gradient_as_bucket_view=True,  # else all gradients are there twice
                init_sync=self._idle is None,  # later the ranks have learnt the same weights
            )
        self._idle = idle


@contextmanager
def _without_gradient(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Let weights require no gradient meanwhile: DDP asks for it once, when it is built."""
    trained = [weight for weight in weights if weight.requires_grad]
    for weight in trained:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)
