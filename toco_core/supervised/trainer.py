"""Trains encoder and decoder of ToCo on labels of every pixel: the second stage of WSSS."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.checkpoint import Checkpoint
from toco_core.data.reader import ParquetDataset
from toco_core.images import normalise
from toco_core.losses.precision import at_least_float32
from toco_core.parallel.precision import autocast
from toco_core.random_state import seeded
from toco_core.settings import Recipe
from toco_core.supervised.labels import Labels
from toco_core.supervised.loader import LabelledLoader
from toco_core.training.resumable import ResumableTrainer

_STEP = 3  # stream of random numbers under the seed; sampling and the ToCo trainer have 0 to 2


class SupervisedTrainer(ResumableTrainer):
    """Train a segmentation network step by step, and stop and go on at any of them.

    It is the encoder of a recipe with its pretrained weights and the LargeFOV decoder. Classifiers
    and projection head stay as they began, so that a checkpoint is one of ToCo: `evaluate --tasks
    seg` scores it, `export --source seg` labels with it. A resumed run equals an uninterrupted one.

    Args:
        recipe: backbone, decoder, optimiser, augmentation and length. What only ToCo's own losses
            use has no effect.
        dataset: images of its `train` split.
        labels: of these images.
        device: of the network.
        num_workers: loading processes; the batches do not depend on it.
        checkpoint: of this recipe, to go on from.
        trained_on: the labels in words, which the checkpoints keep.

    Raises:
        ValueError: recipe, backbone, dataset and checkpoint do not go together.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: ParquetDataset,
        labels: Labels,
        *,
        device: str | torch.device = "cpu",
        num_workers: int = 0,
        checkpoint: Checkpoint | None = None,
        trained_on: str = "labels of every pixel",
    ) -> None:
        super().__init__(recipe, dataset.info.class_names, device, checkpoint, trained_on)
        self._ignore_index = dataset.info.ignore_index
        self.model.encoder.recompute_blocks = recipe.compute.recompute_blocks
        if recipe.compute.compile:
            self.model.encoder.compile_blocks()
        self.model.train()
        loader = LabelledLoader(dataset.split("train"), labels, recipe, num_workers=num_workers)
        self._batches = loader.batches(self.iteration)

    def _backward(self) -> dict[str, Tensor]:
        batch = next(self._batches)
        images = normalise(batch.images.to(self.device, non_blocking=True))
        labels = batch.labels.to(self.device, non_blocking=True)
        self.model.encoder.frozen = self.iteration < self.recipe.optimiser.freeze
        self.optimiser.zero_grad()
        with seeded((_STEP, self.recipe.seed, self.iteration), self.device):
            return {"total": self._part_by_part(images, labels)}

    def _part_by_part(self, images: Tensor, labels: Tensor) -> Tensor:
        """Add up the gradients of a step part by part; return its loss."""
        counted = (labels != self._ignore_index).sum().clamp(min=1)
        total = torch.zeros((), device=self.device)
        parts = self.recipe.compute.parts
        for some, theirs in zip(images.chunk(parts), labels.chunk(parts), strict=True):
            with autocast(self.precision, self.device):
                logits = self.model.segment(some)
            loss = cross_entropy_sum(logits, theirs, self._ignore_index) / counted
            self._scaler.scale(loss).backward()
            total += loss.detach()
        return total


def cross_entropy_sum(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    """Sum the cross-entropy over the pixels that count.

    Args:
        logits: (B, C + 1, h, w), of tokens; resized bilinearly to the labels.
        labels: (B, H, W), any integer type.
        ignore_index: label of the pixels that do not count.
    """
    size = [labels.shape[-2], labels.shape[-1]]
    resized = F.interpolate(
        at_least_float32(logits), size=size, mode="bilinear", align_corners=False
    )
    return F.cross_entropy(resized, labels.long(), ignore_index=ignore_index, reduction="sum")
