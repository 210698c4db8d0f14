"""The rims of what CAMs label at a background threshold, for boundary IoU."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from toco_core.cam.image_cam import PresentCams
from toco_core.cam.image_labels import labels_from_cams
from toco_core.data.schema import DatasetInfo
from toco_core.scoring.boundary import boundary_pixels
from toco_core.scoring.class_pixels import ClassPixels


def rims_of_cams(
    cams: Sequence[PresentCams], masks: Sequence[Tensor], info: DatasetInfo, bkg: float | None
) -> tuple[ClassPixels, ...]:
    """Count the rims of some images, for final and auxiliary CAM; nothing without a threshold.

    Args:
        cams: of each image, at the size of its mask.
        masks: (H, W) each, on the CPU.
        info: classes and ignore index.
        bkg: background where the strongest CAM is at most this.
    """
    if bkg is None:
        return ()
    final = auxiliary = ClassPixels.empty(info.num_classes + 1)
    for one, mask in zip(cams, masks, strict=True):
        final += _rims(one.final, one.classes, mask, info, bkg)
        auxiliary += _rims(one.auxiliary, one.classes, mask, info, bkg)
    return final, auxiliary


def _rims(
    maps: Tensor, classes: Tensor, mask: Tensor, info: DatasetInfo, bkg: float
) -> ClassPixels:
    said = labels_from_cams(maps.cpu(), classes.cpu(), info.num_classes, bkg=bkg)
    return boundary_pixels(mask.numpy(), said.numpy(), info.num_classes + 1, info.ignore_index)
