"""Score a checkpoint by the mIoU of its CAMs, over every background threshold in one pass.

A split is scored in chunks of consecutive images. What a chunk yields adds up in integers (and in
per-image values that are put in order), so a score does not depend on how many workers shared them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.image_cam import PresentCams, all_classes, broken_cams, present_cams
from toco_core.data.batch import WholeImage
from toco_core.data.loader import whole_image
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.images import eight_bit, normalise, resize_maps
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.scoring.cam_edges import edges_of_cams
from toco_core.scoring.cam_score import CamEdges, ChunkScore
from toco_core.scoring.kept_images import ScoredImage
from toco_core.scoring.metrics import F1Counts
from toco_core.scoring.running_counts import RunningCounts, counts_on
from toco_core.settings import Recipe
from toco_core.trained_network import computed_on, inference_precision

_FINAL, _AUXILIARY = attrgetter("final"), attrgetter("auxiliary")  # of the two classifiers


@torch.no_grad()
def score_chunk(
    model: ToCo,
    recipe: Recipe,
    split: ParquetSplit,
    indices: Sequence[int],
    *,
    purpose: str,
    keep: int = 0,
    count_images: int = 0,
    edges: CamEdges | None = None,
    masks: bool = True,
    turn: AbstractContextManager[object] | None = None,
) -> ChunkScore:
    """Score some images of a split, as one batch in the recipe's precision.

    Args:
        model: in evaluation mode, on the device to be used.
        recipe: crop size, CAM scales and precision.
        split: one with masks.
        indices: consecutive images.
        purpose: what the masks are opened for, as the ledger shows it.
        keep: return the images, CAMs and masks of the first so many of the split.
        count_images: return the counts of the first so many of the split one by one too.
        edges: measure those of what the CAMs label at a background threshold too.
        masks: open them; without, every pixel counts as ignored, and there is no mIoU.
        turn: is held while the device is used; where several threads share it, the others read
            their images meanwhile.

    Raises:
        DatasetError: an image or a mask cannot be read; names it.
        FloatingPointError: class scores or CAMs are not finite: the checkpoint is broken.
    """
    before = split.ledger.total()
    samples = [_read(split, index, purpose if masks else None) for index in indices]
    opened = split.ledger.total() - before
    counted = sum(index < count_images for index in indices)
    beside = _Beside(keep, counted, edges)
    with turn or nullcontext():
        return _score(model, recipe, split.info, indices, samples, beside, opened=opened)


class _Beside(NamedTuple):
    """What is wanted beside the score."""

    keep: int  # whole images, by their indices in the split
    counted: int  # of the first so many of the chunk the counts one by one
    edges: CamEdges | None


class _Sample(NamedTuple):
    image: WholeImage
    mask: Tensor  # (H, W) int64, on the CPU


def _read(split: ParquetSplit, index: int, purpose: str | None) -> _Sample:
    image = whole_image(split, index)
    if purpose is None:
        return _Sample(image, torch.full(image.pixels.shape[1:], split.info.ignore_index))
    (mask,) = split.masks([index], purpose=purpose)
    return _Sample(image, mask)


def _score(
    model: ToCo,
    recipe: Recipe,
    info: DatasetInfo,
    indices: Sequence[int],
    samples: Sequence[_Sample],
    beside: _Beside,
    *,
    opened: int,
) -> ChunkScore:
    device = next(model.parameters()).device
    images = _resized_images(samples, recipe, device)  # (n, 3, S, S)
    on_cpu = [sample.mask for sample in samples]
    masks = [_on_device(one, device) for one in on_cpu]  # before there is anything to wait for
    labels = torch.stack([sample.image.class_labels for sample in samples])  # (n, C)
    with inference_precision(model, recipe):
        output: ToCoOutput = model(images, segment=False, keep_blocks=True)
    # One size for all CAMs; the masks differ.
    small = present_cams(model, recipe, images, labels, output.raw_cams)
    cams = [one.resized(s.mask.shape) for one, s in zip(small, samples, strict=True)]
    of_final = _count(_FINAL, cams, masks, info, keep=beside.counted)
    of_auxiliary = _count(_AUXILIARY, cams, masks, info)
    similarity = torch.stack([token_similarity(tokens) for tokens in output.blocks], dim=1)
    agreement = torch.stack([cam_agreement(one) for one in small])
    _require_finite(output.cls, small)  # the first wait for the device: all it has to do is queued
    edges = edges_of_cams(cams, on_cpu, info, beside.edges)
    return ChunkScore(
        first=indices[0],
        final=of_final.histogram(),
        auxiliary=of_auxiliary.histogram(),
        classification=F1Counts.of(output.cls.cpu(), labels),
        similarity=similarity.cpu().numpy(),
        agreement=agreement.cpu().numpy(),
        masks_opened=opened,
        computed_on=computed_on(model, recipe),
        by_image=of_final.by_image(),
        boundary=tuple(one.rims for one in edges if one.rims is not None),
        distances=tuple(one.distances for one in edges if one.distances is not None),
        kept=tuple(
            _scored_image(images[place], cams[place].cpu(), samples[place])
            for place, index in enumerate(indices)
            if index < beside.keep
        ),
    )


def _on_device(mask: Tensor, device: torch.device) -> Tensor:
    # 16 bits are a quarter of what there is to copy
    return mask if device.type == "cpu" else mask.short().to(device)


def _resized_images(samples: Sequence[_Sample], recipe: Recipe, device: torch.device) -> Tensor:
    """Bring the pixels to the device, and normalise and resize them there: (n, 3, S, S)."""
    side = recipe.data.crop_size
    pixels = (sample.image.pixels.to(device) for sample in samples)
    return torch.stack([resize_maps(normalise(one), [side, side]) for one in pixels])


def _require_finite(cls: Tensor, cams: Sequence[PresentCams]) -> None:
    if not bool(torch.isfinite(cls).all()):  # the CAMs of absent classes are not looked at
        raise FloatingPointError("the class scores of this checkpoint are not finite")
    if not bool(torch.stack([one.all_finite() for one in cams]).all()):
        raise broken_cams()


def _scored_image(image: Tensor, cams: PresentCams, sample: _Sample) -> ScoredImage:
    pixels = resize_maps(eight_bit(image[None])[0], sample.mask.shape).cpu()
    cam = all_classes(cams.final, cams.classes, len(sample.image.class_labels))
    return ScoredImage(pixels, cam, sample.mask)


def token_similarity(tokens: Tensor) -> Tensor:
    """Return the mean cosine of all pairs of different patch tokens (paper, figure 3).

    Args:
        tokens: (B, N, D).

    Returns:
        (B,) in -1..1.
    """
    unit = F.normalize(tokens.double(), dim=2)
    count = tokens.shape[1]
    return (unit.sum(dim=1).square().sum(dim=1) - count) / (count * (count - 1))


def cam_agreement(cams: PresentCams) -> Tensor:
    """Return how far both CAMs of an image agree, without a threshold: sum min / sum max.

    It is the IoU of two fuzzy sets (Ruzicka's similarity), over all classes and places.

    Returns:
        () in 0..1; 0 where both CAMs are empty.
    """
    final, auxiliary = cams.final.double(), cams.auxiliary.double()
    either = torch.maximum(final, auxiliary).sum()
    return torch.minimum(final, auxiliary).sum() / either.clamp(min=1e-12)


def _count(
    side: Callable[[PresentCams], Tensor],
    cams: Sequence[PresentCams],
    masks: Sequence[Tensor],
    info: DatasetInfo,
    keep: int = 0,
) -> RunningCounts:
    """Count what one side's CAMs say at every threshold; the counts may have to be waited for."""
    total = counts_on(masks[0].device, info.num_classes, info.ignore_index, keep)
    for one, mask in zip(cams, masks, strict=True):
        total.add(side(one), one.classes, mask)
    return total
