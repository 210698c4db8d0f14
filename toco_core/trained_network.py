"""A trained network, from a checkpoint of this package or from one of the authors."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from toco_core.checkpoint import load_checkpoint, load_official
from toco_core.model.toco import ToCo, build_model
from toco_core.settings import Recipe


class TrainedNetwork(NamedTuple):
    """A network and the settings it was trained with."""

    recipe: Recipe
    model: ToCo  # in evaluation mode, on the CPU


def load_trained(
    path: str | Path, num_classes: int, official: Recipe | None = None
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
