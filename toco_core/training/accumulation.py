"""The gradients of a step, from a rank's whole batch or from parts of it, one after the other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from toco_core.data.batch import TrainBatch
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.step import Part
from toco_core.training.distribution import Distribution
from toco_core.training.feed import Fed


class GradientAccumulator:
    """Adds up the gradients of the parts that a step's batch is worked through in.

    Args:
        distribution: of the losses among the ranks.
        scaler: of the loss.
    """

    def __init__(self, distribution: Distribution, scaler: GradScaler) -> None:
        self._distribution, self._scaler = distribution, scaler
        self._losses = distribution.losses

    def __call__(self, fed: Fed, iteration: int) -> dict[str, Tensor]:
        """Compute the losses of a rank's batch and add their gradients to those of the weights.

        Raises:
            ValueError: the images cannot be shared evenly among the parts.
        """
        if self._losses.parts == 1:
            return self._backward(fed.batch, iteration, None, _lattice(fed))
        parts = self._prepare(fed.batch.split(self._losses.parts), iteration)
        losses = [self._one(*part, iteration, last=part is parts[-1]) for part in parts]
        return {name: torch.stack([one[name] for one in losses]).mean() for name in losses[0]}

    def _prepare(self, batches: list[TrainBatch], iteration: int) -> list[tuple[TrainBatch, Part]]:
        """Make the targets of all parts, and count them before the first loss."""
        targets = [self._losses.prepare(batch, iteration) for batch in batches]
        counts = self._losses.count(targets, iteration)
        return [
            (batch, Part(target, counts, is_first=index == 0))
            for index, (batch, target) in enumerate(zip(batches, targets, strict=True))
        ]

    def _one(
        self, batch: TrainBatch, part: Part, iteration: int, *, last: bool
    ) -> dict[str, Tensor]:
        waits = not last and self._losses.world_size > 1  # the ranks meet once a step
        with self._without_meeting(iteration) if waits else nullcontext():
            return self._backward(batch, iteration, part)

    def _without_meeting(self, iteration: int) -> AbstractContextManager[None]:
        distributed = self._distribution.at(iteration)
        assert isinstance(distributed, DistributedDataParallel)
        return distributed.no_sync()

    def _backward(
        self,
        batch: TrainBatch,
        iteration: int,
        part: Part | None,
        lattice: PermutohedralLattice | None = None,
    ) -> dict[str, Tensor]:
        distributed = self._distribution.at(iteration)
        losses: dict[str, Tensor] = distributed(batch, iteration, None, part, lattice)
        self._scaler.scale(losses["total"] / self._losses.parts).backward()
        return {name: loss.detach() for name, loss in losses.items()}


def _lattice(fed: Fed) -> PermutohedralLattice | None:
    return PermutohedralLattice(fed.corners, fed.lattice_size) if fed.corners else None
