"""One rank of a training run: a recipe and a dataset in, one optimiser step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from toco_core.checkpoint import Checkpoint, load_checkpoint
from toco_core.data.loader import TrainLoader
from toco_core.data.reader import ParquetDataset
from toco_core.kernels.operators import HAS_TRITON
from toco_core.parallel.ranks import average_over_ranks
from toco_core.random_state import seeded
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.training.accumulation import GradientAccumulator
from toco_core.training.distribution import Distribution
from toco_core.training.feed import Fed, Feed, GpuFeed, PlainFeed
from toco_core.training.recording import RecordedLosses, can_record
from toco_core.training.resumable import ResumableTrainer, build_optimisation

__all__ = ["Trainer", "build_optimisation"]

_STEP = 2  # stream of random numbers under the seed; toco_core.data.sampling has 0 and 1


class Trainer(ResumableTrainer):
    """Train ToCo step by step, and stop and go on at any of them.

    What a step draws at random follows from seed, iteration and rank alone. So a resumed run equals
    an uninterrupted one, and one checkpoint, written by any rank, serves all of them.

    Args:
        recipe: the whole run.
        dataset: its `train` split is trained on, without masks.
        device: of the network and the losses.
        rank: which share of every step.
        world_size: ranks that share a step; with more than one, torch.distributed is initialised.
        num_workers: loading processes; the batches do not depend on it.
        checkpoint: of this recipe, to go on from.

    Raises:
        ValueError: recipe, backbone, dataset and checkpoint do not go together.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: ParquetDataset,
        *,
        device: str | torch.device = "cpu",
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        super().__init__(recipe, dataset.info.class_names, device, checkpoint)
        self.rank, self.world_size = rank, world_size
        self._loader = TrainLoader(
            dataset.split("train"),
            recipe,
            rank=rank,
            world_size=world_size,
            num_workers=num_workers,
        )
        losses = self._make_losses()
        self._feed = self._make_feed(losses)
        self._distribution = Distribution(losses)
        self._compute = self._make_computation(losses)

    @classmethod
    def resume(
        cls,
        path: str | Path,
        dataset: ParquetDataset,
        *,
        device: str | torch.device = "cpu",
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
    ) -> Self:
        """Go on from the checkpoint at `path`, with its recipe; other arguments as for a new run.

        Raises:
            ValueError: the checkpoint cannot be read, or is of a run with other classes.
        """
        checkpoint = load_checkpoint(path)
        return cls(
            checkpoint.recipe,
            dataset,
            device=device,
            rank=rank,
            world_size=world_size,
            num_workers=num_workers,
            checkpoint=checkpoint,
        )

    @property
    def learning_rate(self) -> float:
        """The encoder's rate in force at the next step."""
        return float(self.schedule.get_last_lr()[0])

    def _backward(self) -> dict[str, Tensor]:
        if self._distribution.is_border(self.iteration):
            self._check.settle()  # all ranks begin the stage, or none
        fed = self._feed.take()
        self.optimiser.zero_grad()
        with self._seeded():
            losses = self._compute(fed, self.iteration)
        self._feed.fetch()  # while the device computes
        return average_over_ranks(losses, self.world_size)

    def _make_losses(self) -> ToCoLosses:
        compute, encoder = self.recipe.compute, self.model.encoder
        encoder.recompute_blocks = compute.recompute_blocks
        on_cpu = self.device.type == "cpu"
        again = compute.recompute_activations
        encoder.recomputation.enabled = on_cpu if again is None else again
        if compute.compile:
            encoder.compile_blocks()
        losses = ToCoLosses(
            self.model, self.recipe, world_size=self.world_size, parts=compute.parts
        )
        losses.views_together = not on_cpu
        return losses.to(self.device).train()

    def _make_feed(self, losses: ToCoLosses) -> Feed:
        if self.device.type != "cuda":
            return PlainFeed(self._loader.batches(self.iteration), self.device)
        colours_here = HAS_TRITON and not self.recipe.official_quirks  # which mirror views apart
        load = self._loader.cut_batches if colours_here else self._loader.batches
        batches = load(self.iteration)
        return GpuFeed(batches, self.device, losses.corners if losses.parts == 1 else None)

    def _make_computation(self, losses: ToCoLosses) -> Callable[[Fed, int], dict[str, Tensor]]:
        if can_record(losses, self.device):
            return RecordedLosses(losses, self.device)
        self._distribution.at(self.iteration)  # the ranks meet, and begin with the same weights
        return GradientAccumulator(self._distribution, self._scaler)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """Let drop path, the one thing that draws, draw from generators of this one step."""
        if not self.model.encoder.is_stochastic:
            yield
            return
        with seeded((_STEP, self.recipe.seed, self.iteration, self.rank), self.device):
            yield
