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
from toco_core.trained_network import inference_precision


class PresentCams(NamedTuple):
    """CAMs of the classes that an image shows."""

    classes: Tensor  # (K,) int64, 0..C - 1, in order, on the CPU
    final: Tensor  # (K, H, W) in 0..1
    auxiliary: Tensor  # (K, H, W) in 0..1

    def resized(self, size: Sequence[int]) -> PresentCams:
        """Resize the maps to (H, W)."""
        maps = (resize_maps(cam, size) for cam in (self.final, self.auxiliary))
        return PresentCams(self.classes, *maps)

    def cpu(self) -> PresentCams:
        """Return the maps on the CPU."""
        return PresentCams(self.classes, self.final.cpu(), self.auxiliary.cpu())

    def all_finite(self) -> Tensor:
        """Whether no value is infinite or NaN, as a boolean on the device."""
        return torch.isfinite(self.final).all() & torch.isfinite(self.auxiliary).all()


@torch.no_grad()
def present_cams(
    model: ToCo, recipe: Recipe, images: Tensor, class_labels: Tensor, raw: Tensor | None = None
) -> list[PresentCams]:
    """Compute the CAMs of several images, without those of all the classes that none shows.

    Whether they are finite is not looked at: the host would have to wait for them.

    Args:
        model: in evaluation mode.
        recipe: CAM scales, and the precision of the network.
        images: (B, 3, H, W), ImageNet-normalised, on the model's device.
        class_labels: (B, C) 0/1, on the CPU.
        raw: as of `multi_scale_cam`.
    """
    classes = [labels.nonzero().flatten() for labels in class_labels]
    most = max(len(one) for one in classes)
    present = present_classes(class_labels.to(images.device, non_blocking=True), max(most, 1))
    with inference_precision(model, recipe):
        cams = multi_scale_cam(model, images, recipe.cam.scales, raw=raw, present=present)
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
    if not bool(cams.all_finite()):
        raise broken_cams()
    return cams.resized(pixels.shape[1:]).cpu()


def broken_cams() -> FloatingPointError:
    """Return the error of CAMs that are infinite or NaN."""
    return FloatingPointError("the CAMs of this checkpoint are not finite")


def all_classes(cam: Tensor, classes: Tensor, num_classes: int) -> Tensor:
    """Put the maps (K, H, W) of the classes present among zeros: (C, H, W)."""
    return cam.new_zeros(num_classes, *cam.shape[1:]).index_copy_(0, classes, cam)
