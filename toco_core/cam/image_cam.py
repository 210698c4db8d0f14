"""CAMs to look at and to score: of the classes that an image shows, at the image's own size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.present_classes import present_classes
from toco_core.images import normalise, resize_maps
from toco_core.model.toco import ToCo
from toco_core.settings import Recipe


class PresentCams(NamedTuple):
    """CAMs of the classes that an image shows."""

    classes: Tensor  # (K,) int64, 0..C - 1, in order, on the CPU
    final: Tensor  # (K, H, W) in 0..1
    auxiliary: Tensor  # (K, H, W) in 0..1

    def resized(self, size: Sequence[int]) -> PresentCams:
        """Resize the maps to (H, W), on the CPU."""
        maps = (resize_maps(cam, size).cpu() for cam in (self.final, self.auxiliary))
        return PresentCams(self.classes, *maps)


@torch.no_grad()
def present_cams(
    model: ToCo, recipe: Recipe, images: Tensor, class_labels: Tensor, raw: Tensor | None = None
) -> list[PresentCams]:
    """Compute the CAMs of several images, without those of all the classes that none shows.

    Args:
        model: in evaluation mode.
        recipe: CAM scales.
        images: (B, 3, H, W), ImageNet-normalised, on the model's device.
        class_labels: (B, C) 0/1, on the CPU.
        raw: as of `multi_scale_cam`.

    Raises:
        FloatingPointError: the CAMs are not finite: the checkpoint is broken.
    """
    classes = [labels.nonzero().flatten() for labels in class_labels]
    most = max(len(one) for one in classes)
    present = present_classes(class_labels.to(images.device), max(most, 1))
    cams = multi_scale_cam(model, images, recipe.cam.scales, raw=raw, present=present)
    if not all(bool(torch.isfinite(cam).all()) for cam in cams):
        raise FloatingPointError("the CAMs of this checkpoint are not finite")
    return [
        PresentCams(known, final[: len(known)], auxiliary[: len(known)])
        for known, final, auxiliary in zip(classes, *cams, strict=True)
    ]


def whole_image_cams(
    model: ToCo, recipe: Recipe, pixels: Tensor, class_labels: Tensor
) -> PresentCams:
    """Compute the CAMs of one image as they are scored: at the size of the crop, then resized.

    Args:
        model: in evaluation mode.
        recipe: crop size and CAM scales.
        pixels: (3, H, W) uint8, on the model's device.
        class_labels: (C,) 0/1, on the CPU.

    Raises:
        FloatingPointError: the CAMs are not finite: the checkpoint is broken.
    """
    side = recipe.data.crop_size
    image = resize_maps(normalise(pixels), [side, side])
    (cams,) = present_cams(model, recipe, image[None], class_labels[None])
    return cams.resized(pixels.shape[1:])


def all_classes(cam: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    """Put the maps (K, H, W) of the classes present among zeros: (C, H, W)."""
    return cam.new_zeros(num_classes, *cam.shape[1:]).index_copy_(0, classes, cam)
