"""Trains encoder and decoder of ToCo on labels of every pixel: the second stage of WSSS."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.checkpoint import Checkpoint, save_checkpoint
from toco_core.data.reader import ParquetDataset
from toco_core.images import normalise
from toco_core.losses.finite import check_finite
from toco_core.losses.precision import at_least_float32
from toco_core.model.toco import build_model
from toco_core.parallel.determinism import choose_algorithms
from toco_core.parallel.precision import allow_tf32, autocast, make_scaler, precision_on
from toco_core.random_state import capture_random_state, restore_random_state, seeded
from toco_core.remote_path import Place
from toco_core.settings import Recipe
from toco_core.settings.recipe import ConcretePrecision
from toco_core.supervised.labels import Labels
from toco_core.supervised.loader import LabelledLoader
from toco_core.trainer import build_optimisation

_STEP = 3  # stream of random numbers under the seed; sampling and the ToCo trainer have 0 to 2


class SupervisedTrainer:
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
    ) -> None:
        self.recipe, self.class_names = recipe, dataset.info.class_names
        if checkpoint:
            checkpoint.require_run(recipe, self.class_names)
        self.device = torch.device(device)
        self.iteration = checkpoint.iteration if checkpoint else 0  # steps done
        self._ignore_index = dataset.info.ignore_index
        self.model = (
            checkpoint.build_model() if checkpoint else build_model(recipe, len(self.class_names))
        ).to(self.device)
        self.model.encoder.recompute_blocks = recipe.compute.recompute_blocks
        if recipe.compute.compile:
            self.model.encoder.compile_blocks()
        self.model.train()
        self.optimiser, self.schedule = build_optimisation(self.model, recipe)
        self.precision: ConcretePrecision = precision_on(self.device, recipe)
        allow_tf32(self.device, recipe)
        choose_algorithms(self.device, recipe)
        self._scaler = make_scaler(self.precision, self.device)
        if checkpoint:
            self._restore(checkpoint)
        loader = LabelledLoader(dataset.split("train"), labels, recipe, num_workers=num_workers)
        self._batches = loader.batches(self.iteration)

    @property
    def finished(self) -> bool:
        """Whether all iterations of the recipe are done."""
        return self.iteration >= self.recipe.iterations

    def step(self) -> dict[str, float]:
        """Train one iteration; return its loss.

        Raises:
            NonFiniteLossError: the weights are those before the step.
        """
        assert not self.finished, "the caller steps only until the trainer is finished"
        batch = next(self._batches)
        images = normalise(batch.images.to(self.device, non_blocking=True))
        labels = batch.labels.to(self.device, non_blocking=True)
        self.optimiser.zero_grad()
        with seeded((_STEP, self.recipe.seed, self.iteration), self.device):
            loss = self._backward(images, labels)
        numbers = check_finite({"total": loss}, self.iteration)
        self._scaler.step(self.optimiser)
        self._scaler.update()
        self.schedule.step()
        self.iteration += 1
        return numbers

    def save(self, path: str | Place) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            path,
            Checkpoint(
                recipe=self.recipe,
                class_names=self.class_names,
                iteration=self.iteration,
                model=self.model.state_dict(),
                optimiser=self.optimiser.state_dict(),
                schedule=self.schedule.state_dict(),
                scaler=self._scaler.state_dict(),
                random=capture_random_state(),
            ),
        )

    def _backward(self, images: Tensor, labels: Tensor) -> Tensor:
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

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.optimiser.load_state_dict(checkpoint.optimiser)
        self.schedule.load_state_dict(checkpoint.schedule)
        self._scaler.load_state_dict(checkpoint.scaler)
        restore_random_state(checkpoint.random)


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
