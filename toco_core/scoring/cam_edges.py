"""The edges of what CAMs label at a background threshold: their rims, and how far they are off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from toco_core.cam.image_cam import PresentCams
from toco_core.cam.image_labels import labels_from_cams
from toco_core.data.schema import DatasetInfo
from toco_core.scoring.boundary import boundary_pixels
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.hausdorff import hausdorff_distances

Labels: TypeAlias = NDArray[np.integer]
MeasuredT = TypeVar("MeasuredT")


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
    empty = ClassPixels.empty(info.num_classes + 1)
    measured = _measured(boundary_pixels, cams, masks, info, bkg)
    return tuple(sum(side, start=empty) for side in zip(*measured, strict=True))


def distances_of_cams(
    cams: Sequence[PresentCams], masks: Sequence[Tensor], info: DatasetInfo, bkg: float | None
) -> tuple[NDArray[np.float64], ...]:
    """Measure the 95 % Hausdorff distances of some images, likewise: (n, K) px of each CAM."""
    if bkg is None:
        return ()
    measured = _measured(hausdorff_distances, cams, masks, info, bkg)
    return tuple(np.stack(side) for side in zip(*measured, strict=True))


def _measured(
    measure: Callable[[Labels, Labels, int, int], MeasuredT],
    cams: Sequence[PresentCams],
    masks: Sequence[Tensor],
    info: DatasetInfo,
    bkg: float,
) -> Iterator[tuple[MeasuredT, MeasuredT]]:
    """Yield what is measured on final and auxiliary CAM of each image."""
    for one, mask in zip(cams, masks, strict=True):
        classes, truth = one.classes.cpu(), mask.numpy()
        final, auxiliary = (
            labels_from_cams(maps.cpu(), classes, info.num_classes, bkg=bkg).numpy()
            for maps in (one.final, one.auxiliary)
        )
        counted = info.num_classes + 1, info.ignore_index
        yield measure(truth, final, *counted), measure(truth, auxiliary, *counted)
