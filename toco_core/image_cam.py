"""The CAM of one whole image, at the image's own size."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from toco_core.cam import multi_scale_cam
from toco_core.images import normalise, resize_maps
from toco_core.model import ToCo
from toco_core.settings import Recipe


class PresentCams(NamedTuple):
    """CAMs of the classes that an image shows."""

    classes: Tensor  # (K,) int64, 0..C - 1, in order
    final: Tensor  # (K, H, W) in 0..1
    auxiliary: Tensor  # (K, H, W) in 0..1


@torch.no_grad()
def present_cams(model: ToCo, recipe: Recipe, pixels: Tensor, class_labels: Tensor) -> PresentCams:
    """Compute the CAMs of one image as they are scored: at the size of the crop, then resized.

    Args:
        model: in evaluation mode.
        recipe: crop size and CAM scales.
        pixels: (3, H, W) uint8, on the model's device.
        class_labels: (C,) 0/1.

    Raises:
        FloatingPointError: the CAMs are not finite: the checkpoint is broken.
    """
    side, size = recipe.data.crop_size, pixels.shape[1:]
    image = resize_maps(normalise(pixels), [side, side])[None]
    cams = multi_scale_cam(model, image, recipe.cam.scales)  # (1, C, S, S) each
    if not all(bool(torch.isfinite(cam).all()) for cam in cams):
        raise FloatingPointError("the CAMs of this checkpoint are not finite")
    classes = class_labels.nonzero().flatten()
    final, auxiliary = (resize_maps(cam[0, classes.to(cam.device)], size).cpu() for cam in cams)
    return PresentCams(classes, final, auxiliary)


def all_classes(cam: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    """Put the maps (K, H, W) of the classes present among zeros: (C, H, W)."""
    return cam.new_zeros(num_classes, *cam.shape[1:]).index_copy_(0, classes, cam)
