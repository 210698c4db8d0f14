"""Multi-scale class activation maps (CAM)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toco_core.cam.present_classes import PresentClasses
from toco_core.model.cam_network import CamNetwork
from toco_core.model.toco import ToCo


@torch.no_grad()
def multi_scale_cam(
    model: ToCo | CamNetwork,
    images: Tensor,
    scales: Sequence[float],
    *,
    raw: Tensor | None = None,
    present: PresentClasses | None = None,
) -> tuple[Tensor, Tensor]:
    """Compute the CAMs of both classifiers over several scales and the mirror image.

    Drop path and dropout are off meanwhile, whatever mode the model is in.

    Args:
        model: stays in its mode.
        images: (B, 3, H, W), ImageNet-normalised.
        scales: factors of the image's sides; 1 comes first.
        raw: (B, 2 C, h, w) raw CAMs of `images`, final before auxiliary, where a pass without drop
            path has computed them already: then only the mirror images are run at scale 1.
        present: only these K classes of each image are wanted.

    Returns:
        (cam, cam_aux), each (B, C, H, W) in 0..1, or (B, K, H, W), without gradient.

    Raises:
        ValueError: the scales do not start with 1, or one leaves less than a patch of the image.
    """
    if not scales or scales[0] != 1:
        raise ValueError(f"cam.scales {tuple(scales)} must start with 1")
    height, width = images.shape[-2:]
    with _deterministic(model.encoder):
        total = _mirrored_cam(model, images, (height, width), present, raw)  # (B, 2 C, H, W)
        for scale in scales[1:]:
            size = [int(scale * height), int(scale * width)]
            resized = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
            total += _mirrored_cam(model, resized, (height, width), present)
    cam, cam_aux = normalise_cam(total).chunk(2, dim=1)
    return cam, cam_aux


def normalise_cam(cam: Tensor) -> Tensor:
    """Stretch every map of (B, C, H, W) to 0..1; a constant one becomes 0."""
    above = cam - cam.amin(dim=(2, 3), keepdim=True)
    return above / (above.amax(dim=(2, 3), keepdim=True) + 1e-5)


def _mirrored_cam(
    model: ToCo | CamNetwork,
    images: Tensor,
    size: tuple[int, int],
    present: PresentClasses | None,
    raw: Tensor | None = None,
) -> Tensor:
    """Return the positive part of the stronger of both CAMs, at `size`: (B, 2 C, H, W)."""
    mirror = images.flip(-1)
    if raw is None:
        raw_cams = model.raw_cams(torch.cat([images, mirror]))
    else:
        raw_cams = torch.cat([raw.detach(), model.raw_cams(mirror)])
    if present is not None:
        raw_cams = present.select(raw_cams)
    cams = F.interpolate(raw_cams.float(), size=size, mode="bilinear", align_corners=False)
    straight, mirrored = cams.chunk(2)
    return torch.maximum(straight, mirrored.flip(-1)).relu_()


@contextmanager
def _deterministic(module: nn.Module) -> Iterator[None]:
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)
