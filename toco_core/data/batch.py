"""What one training step, and one scored image, consist of."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from toco_core.data.augment.colour import ColourTable
from toco_core.images import normalisation, normalise
from toco_core.kernels.operators import coloured_views


class TrainBatch(NamedTuple):
    """One rank's share of a training step: B images of side S, C classes. It has no mask.

    The views are pixels of 8 bits as they are loaded, and ImageNet-normalised where they are used:
    a quarter of the bytes to hand over and to copy.
    """

    images: Tensor  # (B, 3, S, S) first global view, uint8, or float32 normalised
    global_view: Tensor  # (B, 3, S, S) second global view
    local_source: Tensor  # (B, 3, S, S) what the local crops are cut from; geometry of `images`
    class_labels: Tensor  # (B, C) float, 0 or 1
    boxes: Tensor  # (B, 4) int64, valid rows from:to and columns from:to of `images`
    crop_seeds: Tensor  # (B,) int64, seeds of the random choice of local crops
    names: list[str]
    most_classes: int | None = None  # of the image that shows most, if that is known

    def to(self, device: torch.device | str) -> TrainBatch:
        """Move the tensors to a device and normalise the views there.

        Copies from pinned memory are not waited for.
        """

        def move(tensor: Tensor) -> Tensor:
            moved = tensor.to(device, non_blocking=True)
            return normalise(moved) if moved.dtype == torch.uint8 else moved

        return self.changed(move)

    def split(self, parts: int) -> list[TrainBatch]:
        """Cut the batch into so many equal parts.

        Raises:
            ValueError: the images cannot be shared evenly.
        """
        images = len(self.names)
        if images % parts:
            raise ValueError(
                f"compute.parts {parts} does not divide the {images} images of a worker's step"
            )
        size = images // parts
        chosen = [slice(first, first + size) for first in range(0, images, size)]
        return [self.changed(itemgetter(part), self.names[part]) for part in chosen]

    def changed(
        self, change: Callable[[Tensor], Tensor], names: list[str] | None = None
    ) -> TrainBatch:
        """Return the batch with all its tensors changed, of these images."""
        return TrainBatch(
            images=change(self.images),
            global_view=change(self.global_view),
            local_source=change(self.local_source),
            class_labels=change(self.class_labels),
            boxes=change(self.boxes),
            crop_seeds=change(self.crop_seeds),
            names=self.names if names is None else names,
            most_classes=self.most_classes,
        )


class CutBatch(NamedTuple):
    """A `TrainBatch` whose views are not coloured yet: a GPU does it in no time."""

    crops: Tensor  # (B, 3, S, S) uint8, of the first view and of the local source
    parts: Tensor  # (B, 3, S, S) uint8, of the second view
    colours: ColourTable  # of 3 B views: all first ones, all second ones, all local sources
    rest: TrainBatch  # everything else; its views are empty

    def to(self, device: torch.device | str) -> TrainBatch:
        """Move the images to a GPU, colour and normalise them there."""
        crops, parts, *table = (
            tensor.to(device, non_blocking=True)
            for tensor in (self.crops, self.parts, *self.colours)
        )
        views = coloured_views(torch.cat([crops, parts, crops]), *table, *normalisation(crops))
        first, second, local = views.chunk(3)
        moved = self.rest.to(device)
        return moved._replace(images=first, global_view=second, local_source=local)


class EvaluationSample(NamedTuple):
    """One image to score, with its mask."""

    name: str
    image: Tensor  # (3, S, S) resized, ImageNet-normalised
    mask: Tensor  # (H, W) int64 labels at the original size
    class_labels: Tensor  # (C,) float, 0 or 1


class WholeImage(NamedTuple):
    """One image at its own size, without its mask."""

    name: str
    pixels: Tensor  # (3, H, W) uint8
    class_labels: Tensor  # (C,) float, 0 or 1
