"""The classes that the images of a batch show. What a CAM says of others teaches nothing."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.pseudo_labels import IGNORE_INDEX


class PresentClasses(NamedTuple):
    """K classes of each image, those that it shows first: of 20 classes of VOC, 3 are enough."""

    classes: Tensor  # (B, K) int64, 0..C - 1
    is_present: Tensor  # (B, K) 0/1; 0 fills up the images that show fewer

    def select(self, maps: Tensor) -> Tensor:
        """Take the classes out of maps of both classifiers: (n B, 2 C, h, w) -> (n B, 2 K, h, w).

        The maps are those of the B images, n times over.
        """
        both = maps.unflatten(1, (2, -1))  # (n B, 2, C, h, w)
        index = self.classes.repeat(len(maps) // len(self.classes), 1)[:, None, :, None, None]
        return both.gather(2, index.expand(-1, 2, -1, *maps.shape[-2:])).flatten(1, 2)

    def remap_labels(self, labels: Tensor, ignore_index: int = IGNORE_INDEX) -> Tensor:
        """Turn labels that count the K classes of an image into those that count all: (B, H, W)."""
        names = F.pad(self.classes + 1, (1, 0))  # (B, K + 1); background stays 0
        ignored = labels == ignore_index
        places = labels.masked_fill(ignored, 0).flatten(1)
        return names.gather(1, places).view_as(labels).masked_fill(ignored, ignore_index)


def present_classes(class_labels: Tensor, most: int | None = None) -> PresentClasses:
    """Find the classes present.

    Args:
        class_labels: (B, C) 0/1.
        most: classes of the image that shows most, which the host knows without asking the device;
            None: K is C.
    """
    order = class_labels.argsort(dim=1, descending=True, stable=True)[:, :most]
    return PresentClasses(order, class_labels.gather(1, order))
