"""A training run of noise images that takes milliseconds a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.data.noise_dataset import CLASS_NAMES, make_rows
from toco_core.data.batch import TrainBatch
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.data.writer import write_dataset
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides

SMALL: dict[str, Any] = {
    "iterations": 8,
    "backbone.name": "partscenes_vit",
    "backbone.weights": "random",
    "data.crop_size": 32,
    "data.images_per_step": 2,
    "optimiser.lr": 1e-3,
    "optimiser.warmup": 2,
    "stages.segmentation": 1,
    "ctc.local_crops": 2,
    "ctc.local_size": 16,
    "ctc.hidden": 32,
    "ctc.bottleneck": 16,
    "ctc.output": 24,
    "cam.scales": (1.0, 0.5),
    "cam.par_iterations": 2,
    "cam.par_dilations": (1, 2),
    "decoder.channels": 16,
}


def small_recipe(**changes: Any) -> Recipe:
    """Return a recipe of eight steps; keys are written with `__` for the dot."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return apply_overrides(Recipe.model_validate({}), {**SMALL, **dotted})


def small_dataset(root: Path, class_names: tuple[str, ...] = CLASS_NAMES) -> ParquetDataset:
    """Write twelve noise images of three classes without masks, and open them."""
    rows = make_rows(12, with_masks=False)
    write_dataset(root, {"train": rows}, class_names=class_names, source="noise")
    return open_dataset(root)


def random_batch(recipe: Recipe, images: int = 2, num_classes: int = 3) -> TrainBatch:
    """Return a batch of noise with the first class in the first image, and so on."""
    generator = torch.Generator().manual_seed(0)
    size = recipe.data.crop_size
    views = [torch.randn(images, 3, size, size, generator=generator) for _ in range(3)]
    return TrainBatch(
        *views,
        class_labels=torch.eye(num_classes)[torch.arange(images) % num_classes],
        boxes=torch.tensor([[0, size, 0, size - 4]]).repeat(images, 1),
        crop_seeds=torch.arange(images),
        names=[f"image{index}" for index in range(images)],
    )
