"""A network and a batch to time a training step with, at any size, without data or weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW

from toco_core.cam.local_crops import LocalCrops
from toco_core.data.batch import TrainBatch
from toco_core.model.toco import ToCo, build_model
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides
from toco_core.step import ToCoLosses
from toco_core.trainer import build_optimisation

NUM_CLASSES = 20  # of VOC
CLASSES_PER_IMAGE = 2


@dataclass(frozen=True, kw_only=True)
class MadeUpStep:
    """Everything that a step needs, all stages begun."""

    model: ToCo
    losses: ToCoLosses
    optimiser: AdamW
    batch: TrainBatch
    crops: LocalCrops
    tokens: int  # patch tokens of an image

    def reset_teacher(self) -> None:
        """Give the teacher the student's weights, as before the first step."""
        self.model.teacher_projection.load_state_dict(self.model.projection.state_dict())


def make_step(backbone: str, size: int, images: int) -> MadeUpStep:
    """Build the network of the VOC recipe with another backbone, and smooth random images.

    Args:
        backbone: of timm, or partscenes_vit.
        size: side of the images, px.
        images: of the batch.
    """
    recipe = apply_overrides(
        Recipe(),
        {
            "backbone.name": backbone,
            "backbone.weights": "random",
            "data.crop_size": size,
            "data.images_per_step": images,
            "stages.segmentation": 0,
        },
    )
    model = build_model(recipe, NUM_CLASSES)
    generator = torch.Generator().manual_seed(0)
    for classifier in (model.classifier, model.aux_classifier):  # zero otherwise: no CAM
        torch.nn.init.normal_(classifier.weight, std=0.02, generator=generator)
    rows, columns = model.encoder.grid(size, size)
    return MadeUpStep(
        model=model,
        losses=ToCoLosses(model, recipe).train(),
        optimiser=build_optimisation(model, recipe)[0],
        batch=_batch(images, size, generator),
        crops=_crops(recipe, images, generator),
        tokens=rows * columns,
    )


def _batch(images: int, size: int, generator: torch.Generator) -> TrainBatch:
    views = [_pictures(images, size, generator) for _ in range(3)]
    present = torch.zeros(images, NUM_CLASSES)
    for image in range(images):
        chosen = torch.randperm(NUM_CLASSES, generator=generator)[:CLASSES_PER_IMAGE]
        present[image, chosen] = 1
    return TrainBatch(
        *views,
        class_labels=present,
        boxes=torch.tensor([[0, size, 0, size]]).repeat(images, 1),
        crop_seeds=torch.arange(images),
        names=[f"image{index}" for index in range(images)],
        most_classes=CLASSES_PER_IMAGE,
    )


def _pictures(images: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw regions with some noise: PAR and the dense energy need edges."""
    coarse = torch.randn(images, 3, 8, 8, generator=generator)
    smooth = F.interpolate(coarse, size=(size, size), mode="bicubic")
    return smooth + 0.1 * torch.randn(images, 3, size, size, generator=generator)


def _crops(recipe: Recipe, images: int, generator: torch.Generator) -> LocalCrops:
    count, side = recipe.ctc.local_crops, recipe.ctc.local_size
    crops = torch.randn(images, count, 3, side, side, generator=generator)
    flags = torch.randint(0, 2, (images, count), generator=generator).float()
    return LocalCrops(crops, F.pad(flags, (2, 0), value=1.0))
