"""What every trainer has: a network with its optimiser, and the checkpoint that holds both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import AdamW

from toco_core.checkpoint import Checkpoint, save_checkpoint
from toco_core.model.toco import ToCo, build_model
from toco_core.parallel.determinism import choose_algorithms
from toco_core.parallel.precision import allow_tf32, make_scaler, precision_on
from toco_core.random_state import capture_random_state, restore_random_state
from toco_core.remote_path import Place
from toco_core.schedule import PolyWarmup, make_optimiser, take_up
from toco_core.settings import Optimiser, Recipe
from toco_core.settings.recipe import ConcretePrecision
from toco_core.training.loss_checks import StepLosses, make_check


class ResumableTrainer(ABC):
    """A network on its device, from a checkpoint or from the start, and its optimisation.

    Args:
        recipe: the whole run.
        class_names: C names, without background.
        device: of the network.
        checkpoint: of this recipe, to go on from.
        trained_on: the labels of a second stage, in words, which its checkpoints keep.

    Raises:
        ValueError: recipe, backbone, classes and checkpoint do not go together.
    """

    def __init__(
        self,
        recipe: Recipe,
        class_names: tuple[str, ...],
        device: str | torch.device,
        checkpoint: Checkpoint | None,
        trained_on: str | None = None,
    ) -> None:
        if checkpoint:
            checkpoint.require_run(recipe, class_names)
        self.recipe, self.class_names, self._trained_on = recipe, class_names, trained_on
        self.device = torch.device(device)
        self.iteration = 0  # steps done
        self.model = (
            checkpoint.build_model() if checkpoint else build_model(recipe, len(class_names))
        ).to(self.device)
        self.optimiser, self.schedule = build_optimisation(self.model, recipe)
        self.precision: ConcretePrecision = precision_on(self.device, recipe)
        allow_tf32(self.device, recipe)
        choose_algorithms(self.device, recipe)
        self._scaler = make_scaler(self.precision, self.device)
        self._check = make_check(self.optimiser, self.device, self.precision)
        if checkpoint:
            self._restore(checkpoint)

    @property
    def finished(self) -> bool:
        """Whether all iterations of the recipe are done."""
        return self.iteration >= self.recipe.iterations

    def step(self) -> dict[str, float]:
        """Train one iteration, wait for it, and return its losses.

        Raises:
            NonFiniteLossError: on every rank alike; the weights are those before the step.
        """
        return [*self.advance(), *self.settle()][-1].losses

    def advance(self) -> list[StepLosses]:
        """Train one iteration; return the losses that are known by now.

        On a CPU they are those of this step. A GPU is asked for this step first, then those of the
        step before are read: so it never waits for the host.

        Raises:
            NonFiniteLossError: names the step, this one or the one before; the weights are those
                before that step.
        """
        assert not self.finished, "the caller steps only until the trainer is finished"
        self._check.before_update(self._backward(), self.iteration)
        self._update()
        self._check.settle(unread=1)
        return self._check.take()

    def settle(self) -> list[StepLosses]:
        """Wait for all steps; return the losses that were not known yet.

        Raises:
            NonFiniteLossError: as `advance`.
        """
        self._check.settle()
        return self._check.take()

    def save(self, path: str | Place) -> None:
        """Write a checkpoint; among several ranks one does, they all hold the same.

        Raises:
            NonFiniteLossError: as `advance`; nothing is written.
        """
        self._check.settle()
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
                trained_on=self._trained_on,
            ),
        )

    @abstractmethod
    def _backward(self) -> Mapping[str, Tensor]:
        """Compute the losses of the next step, and the gradients of all weights."""

    def _update(self) -> None:
        """Take the step whose gradients are there."""
        self._scaler.step(self.optimiser)
        self._scaler.update()
        self.schedule.step()
        self.iteration += 1

    def _restore(self, checkpoint: Checkpoint) -> None:
        take_up(self.optimiser, self.schedule, checkpoint.optimiser, checkpoint.schedule)
        self._scaler.load_state_dict(checkpoint.scaler)
        restore_random_state(checkpoint.random)
        self.iteration = checkpoint.iteration


def build_optimisation(model: ToCo, recipe: Recipe) -> tuple[AdamW, PolyWarmup]:
    """Build optimiser and schedule: a rate for the encoder, and a higher one for each head."""
    settings = recipe.optimiser
    optimiser = make_optimiser(_parts(model, settings), settings)
    schedule = PolyWarmup(
        optimiser, recipe.iterations, settings.warmup, settings.warmup_ratio, settings.power
    )
    return optimiser, schedule


def _parts(model: ToCo, settings: Optimiser) -> list[tuple[list[Parameter], float]]:
    """Return the weights of encoder and heads with their rates, in the order of the network."""
    heads = settings.lr * settings.head_lr_factor
    classifiers = [*model.classifier.parameters(), *model.aux_classifier.parameters()]
    parts = [
        ([*model.encoder.parameters()], settings.lr),
        (classifiers, heads * settings.classifier_lr_factor),
        ([*model.decoder.parameters()], heads * settings.decoder_lr_factor),
        ([*model.projection.parameters()], heads * settings.projection_lr_factor),
    ]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert {*trained} <= {weight for part, _ in parts for weight in part}, "a part without a rate"
    return parts
