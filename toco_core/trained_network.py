"""A trained network, from a checkpoint of this package or from one of the authors."""

from __future__ import annotations

from typing import NamedTuple

import torch

from toco_core.checkpoint import load_checkpoint, load_official
from toco_core.model.toco import ToCo, build_model
from toco_core.parallel.precision import autocast, precision_on
from toco_core.remote_path import Place
from toco_core.settings import Recipe


class TrainedNetwork(NamedTuple):
    """A network and the settings it was trained with."""

    recipe: Recipe
    model: ToCo  # in evaluation mode, on the CPU


def load_trained(
    path: str | Place, num_classes: int, official: Recipe | None = None
) -> TrainedNetwork:
    """Load a network to run it.

    Args:
        path: of a training checkpoint, or of a .pth file that the authors have released.
        num_classes: of the dataset, without background.
        official: the recipe of the authors' network, whose file holds none; None for a training
            checkpoint, which holds its own.

    Raises:
        ValueError: the file cannot be read, or does not fit its recipe or the classes.
    """
    if official is not None:
        model = build_model(official, num_classes, pretrained=False)
        return TrainedNetwork(official, load_official(path, model).eval())
    checkpoint = load_checkpoint(path)
    if len(checkpoint.class_names) != num_classes:
        raise ValueError(
            f"{path} knows {len(checkpoint.class_names)} classes, the dataset has {num_classes}"
        )
    return TrainedNetwork(checkpoint.recipe, checkpoint.build_model().eval())


def computed_on(model: ToCo, recipe: Recipe) -> str:
    """Return in words what a trained network computes on, and in which precision."""
    device = next(model.parameters()).device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{name}, {precision_on(device, recipe)}"


def inference_precision(model: ToCo, recipe: Recipe) -> torch.autocast:
    """Let a trained network compute in its recipe's precision, on the device that it is on.

    It is autocast rather than a copy of the network in bfloat16 (`CamNetwork`): the sum along the
    blocks stays in float32, so that a score differs less from that in float32, and the weights are
    cast once for the many images of a chunk.
    """
    device = next(model.parameters()).device
    return autocast(precision_on(device, recipe), device)
