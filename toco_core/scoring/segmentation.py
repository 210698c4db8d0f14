"""Score the segmentation head of a checkpoint: single scale, several scales, and the CRF's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from toco_core.cam.image_cam import whole_image_cams
from toco_core.crf import crf_labels
from toco_core.data.batch import WholeImage
from toco_core.data.loader import whole_image
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.model.toco import ToCo
from toco_core.scoring.edge_tally import EdgeTally
from toco_core.scoring.inference import segment
from toco_core.scoring.kept_images import SegmentedImage
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.segmentation_score import Method, SegmentationChunk, Variant
from toco_core.settings import Recipe
from toco_core.trained_network import computed_on, inference_precision


def segmentation_chunk(
    model: ToCo,
    recipe: Recipe,
    split: ParquetSplit,
    indices: Sequence[int],
    *,
    method: Method,
    purpose: str,
    keep: int = 0,
    boundary: bool = False,
    hausdorff: bool = False,
) -> SegmentationChunk:
    """Score some images of a split, one by one at their own size.

    Args:
        model: in evaluation mode, on the device to be used.
        recipe: precision, and whether the authors' deviations are wanted; for what is kept, crop
            and CAM scales.
        split: one with masks.
        indices: consecutive images.
        method: scales and CRF.
        purpose: what the masks are opened for, as the ledger shows it.
        keep: return what was compared of the first so many images of the split.
        boundary: count the rims of the classes too.
        hausdorff: measure how far the edges are off too.

    Raises:
        DatasetError: an image or a mask cannot be read; names it.
        FloatingPointError: the logits are not finite: the checkpoint is broken.
    """
    before = split.ledger.total()
    tallies: dict[Variant, _Tally] = {
        variant: _Tally(split.info, boundary=boundary, hausdorff=hausdorff)
        for variant in method.variants
    }
    kept: list[SegmentedImage] = []
    for index in indices:
        image = whole_image(split, index)
        (mask,) = split.masks([index], purpose=purpose)
        with inference_precision(model, recipe):
            labels = label_variants(model, image, method, cut_off=recipe.official_quirks)
        for variant, said in labels.items():
            tallies[variant].add(mask, said)
        if index < keep:
            kept.append(_kept(model, recipe, image, labels[method.variants[-1]], mask))
    edges: dict[Variant, EdgeTally] = {variant: tally.edges for variant, tally in tallies.items()}
    return SegmentationChunk(
        first=indices[0],
        images=len(indices),
        masks_opened=split.ledger.total() - before,
        counts={variant: tally.pixels for variant, tally in tallies.items()},
        boundary={v: one.rims for v, one in edges.items() if one.rims is not None},
        distances={v: one.distances for v, one in edges.items() if one.distances is not None},
        computed_on=computed_on(model, recipe),
        kept=tuple(kept),
    )


class _Tally:
    """What is counted of one variant, image by image."""

    def __init__(self, info: DatasetInfo, *, boundary: bool, hausdorff: bool) -> None:
        self._counted = info.num_classes + 1, info.ignore_index
        self.pixels = ConfusionMatrix.empty(info.num_classes + 1)
        self.edges = EdgeTally(*self._counted, boundary=boundary, hausdorff=hausdorff)

    def add(self, mask: Tensor, said: Tensor) -> None:
        self.pixels += ConfusionMatrix.of(mask, said, *self._counted)
        self.edges.add(mask.numpy(), said.numpy())


def label_variants(
    model: ToCo, image: WholeImage, method: Method, *, cut_off: bool = False
) -> dict[Variant, Tensor]:
    """Label an image in each of the method's variants: (H, W) int64 on the CPU.

    Raises:
        FloatingPointError: the logits are not finite.
    """
    pixels = image.pixels.to(next(model.parameters()).device)
    logits = segment(model, pixels, method.scales, cut_off=cut_off)
    if not bool(torch.isfinite(logits.single).all() & torch.isfinite(logits.multi).all()):
        raise FloatingPointError("the segmentation of this checkpoint is not finite")
    labels: dict[Variant, Tensor] = {"single": logits.single.argmax(dim=0).cpu()}
    if method.scales:
        labels["multi"] = logits.multi.argmax(dim=0).cpu()
    if method.crf:
        labels["crf"] = crf_labels(image.pixels, logits.multi.softmax(dim=0))
    return labels


def _kept(
    model: ToCo, recipe: Recipe, image: WholeImage, labels: Tensor, mask: Tensor
) -> SegmentedImage:
    pixels = image.pixels.to(next(model.parameters()).device)
    cams = whole_image_cams(model, recipe, pixels, image.class_labels)
    return SegmentedImage(image.pixels, cams, labels, mask)
