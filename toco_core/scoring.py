"""Score a checkpoint by the mIoU of its CAMs, over every background threshold in one pass.

A split is scored in chunks of consecutive images. What a chunk yields adds up in integers (and in
per-image values that are put in order), so a score does not depend on how many workers shared them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam import multi_scale_cam
from toco_core.data.batch import EvaluationSample
from toco_core.data.loader import evaluation_samples
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.images import eight_bit, resize_maps
from toco_core.metrics import F1Counts, ThresholdHistogram
from toco_core.model import ToCo
from toco_core.pseudo_labels import mask_absent
from toco_core.score import ChunkScore
from toco_core.settings import Recipe


class ScoredImage(NamedTuple):
    """One image with what was compared."""

    pixels: Tensor  # (3, H, W) in 0..1, at the size of the mask
    cam: Tensor  # (C, H, W) in 0..1, zero for absent classes
    mask: Tensor  # (H, W)


@torch.no_grad()
def score_chunk(
    model: ToCo,
    recipe: Recipe,
    split: ParquetSplit,
    indices: Sequence[int],
    *,
    purpose: str,
    keep: int = 0,
) -> ChunkScore:
    """Score some images of a split.

    Args:
        model: in evaluation mode, on the device to be used.
        recipe: crop size and CAM scales.
        split: one with masks.
        indices: consecutive images.
        purpose: what the masks are opened for, as the ledger shows it.
        keep: return the images, CAMs and masks of the first so many of the split.

    Raises:
        DatasetError: an image or a mask cannot be read; names it.
        FloatingPointError: the CAMs are not finite: the checkpoint is broken.
    """
    before = split.ledger.total()
    samples = list(evaluation_samples(split, indices, recipe.data.crop_size, purpose=purpose))
    device = next(model.parameters()).device
    images = torch.stack([sample.image for sample in samples]).to(device)  # (n, 3, S, S)
    labels = torch.stack([sample.class_labels for sample in samples]).to(device)  # (n, C)
    encoded = model.encoder(images, keep_blocks=True)
    raw = torch.cat(
        [model.classifier(encoded.tokens), model.aux_classifier(encoded.aux_tokens)], dim=1
    )
    cam, cam_aux = multi_scale_cam(model, images, recipe.cam.scales, raw=raw)  # (n, C, S, S)
    if not bool(torch.isfinite(cam).all() & torch.isfinite(cam_aux).all()):
        raise FloatingPointError("the CAMs of this checkpoint are not finite")
    logits = model.classifier(F.adaptive_max_pool2d(encoded.tokens, 1)).flatten(1)  # (n, C)
    similarity = torch.stack([token_similarity(tokens) for tokens in encoded.blocks], dim=1)
    return ChunkScore(
        first=indices[0],
        final=_histogram(cam, samples, split.info),
        auxiliary=_histogram(cam_aux, samples, split.info),
        classification=F1Counts.of(logits, labels),
        similarity=similarity.cpu().numpy(),
        masks_opened=split.ledger.total() - before,
        kept=tuple(
            _scored_image(image, one, sample)
            for index, image, one, sample in zip(indices, images, cam, samples, strict=True)
            if index < keep
        ),
    )


def _scored_image(image: Tensor, cam: Tensor, sample: EvaluationSample) -> ScoredImage:
    present = mask_absent(cam[None], sample.class_labels[None].to(cam.device))[0]
    pixels = eight_bit(image[None])[0]
    size = sample.mask.shape
    return ScoredImage(
        resize_maps(pixels, size).cpu(), resize_maps(present, size).cpu(), sample.mask
    )


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


def _histogram(
    cam: Tensor, samples: Sequence[EvaluationSample], info: DatasetInfo
) -> ThresholdHistogram:
    total = ThresholdHistogram.empty(info.num_classes)
    for one, sample in zip(cam, samples, strict=True):  # masks differ in size
        classes = sample.class_labels.nonzero().flatten()
        # Absent classes are background at every threshold: their maps need not be resized.
        maps = resize_maps(one[classes.to(one.device)], sample.mask.shape).cpu()
        total = total + ThresholdHistogram.of_present(
            maps, classes, sample.mask, info.num_classes, info.ignore_index
        )
    return total
