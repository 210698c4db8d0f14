"""Pseudo-labels of one whole image, from its CAMs or from its segmentation, for a second model."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.image_cam import all_classes
from toco_core.cam.pseudo_labels import IGNORE_INDEX, cam_to_label
from toco_core.crf import crf_labels

# A lower score would forbid a class to the CRF, which is there to extend it beyond its CAM.
SMALLEST = 0.05


def labels_from_cams(
    maps: Tensor,
    classes: Tensor,
    num_classes: int,
    *,
    bkg: float | None = None,
    low: float | None = None,
    high: float | None = None,
    crf_pixels: Tensor | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Label an image by the CAMs of the classes that it shows.

    Args:
        maps: (K, H, W) in 0..1.
        classes: (K,) int64, 0..C - 1.
        num_classes: C.
        bkg: background where the strongest value is at most this; or give both of the next.
        low: background where it is at most this.
        high: uncertain, `ignore_index`, where it is above `low` and at most this.
        crf_pixels: (3, H, W) uint8 of the image, to refine by a CRF. A threshold becomes the
            constant score of the background, whose shares in the sum of scores are refined; with
            two thresholds, a pixel is uncertain where only the higher one makes it background.
        ignore_index: the label of uncertain pixels.

    Returns:
        (H, W) int64: 0 background, 1..C classes, `ignore_index`.

    Raises:
        ValueError: thresholds are missing, incomplete or out of order.
    """
    class_labels = maps.new_zeros(1, num_classes).index_fill_(1, classes, 1.0)
    plain = cam_to_label(
        all_classes(maps, classes, num_classes)[None],
        class_labels,
        bkg,
        low=low,
        high=high,
        ignore_index=ignore_index,
    )[0]
    if crf_pixels is None or not len(classes):
        return plain
    if low is None or high is None:
        assert bkg is not None  # cam_to_label has asked for it
        return _refined(maps, classes, bkg, crf_pixels)
    strict, lenient = (_refined(maps, classes, score, crf_pixels) for score in (high, low))
    return strict.masked_fill((strict == 0) & (lenient > 0), ignore_index)


def labels_from_logits(
    logits: Tensor, classes: Tensor | None, *, crf_pixels: Tensor | None = None
) -> Tensor:
    """Label an image by its segmentation.

    Args:
        logits: (C + 1, H, W).
        classes: (K,) int64, 0..C - 1: those that the image is known to show; only they and
            background compete. None: all do.
        crf_pixels: (3, H, W) uint8 of the image, to refine by a CRF.

    Returns:
        (H, W) int64: 0 background, 1..C classes.
    """
    if classes is None:
        classes = torch.arange(len(logits) - 1)
    labels = F.pad(classes + 1, (1, 0))  # (K + 1,)
    competing = logits[labels.to(logits.device)]
    if crf_pixels is None or len(labels) == 1:
        return labels[competing.argmax(dim=0).cpu()]
    return labels[crf_labels(crf_pixels, competing.softmax(dim=0))]


def _refined(maps: Tensor, classes: Tensor, background: float, pixels: Tensor) -> Tensor:
    scores = F.pad(maps, (0, 0, 0, 0, 1, 0), value=background).clamp(min=SMALLEST)
    return F.pad(classes + 1, (1, 0))[crf_labels(pixels, scores / scores.sum(dim=0))]
