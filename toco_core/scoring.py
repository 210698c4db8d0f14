"""Score a checkpoint by the mIoU of its CAMs, over every background threshold in one pass.

A split is scored in chunks of consecutive images. What a chunk yields adds up in integers (and in
per-image values that are put in order), so a score does not depend on how many workers shared them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam import multi_scale_cam
from toco_core.data.batch import EvaluationSample
from toco_core.data.loader import evaluation_samples
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.images import eight_bit
from toco_core.metrics import F1Counts, ThresholdCurve, ThresholdHistogram
from toco_core.model import ToCo
from toco_core.pseudo_labels import mask_absent
from toco_core.settings import Recipe

# One forward pass: the same chunks whatever the number of workers, and hence the same rounding.
CHUNK_IMAGES = 16


class ScoredImage(NamedTuple):
    """One image with what was compared."""

    pixels: Tensor  # (3, H, W) in 0..1, at the size of the mask
    cam: Tensor  # (C, H, W) in 0..1, zero for absent classes
    mask: Tensor  # (H, W)


@dataclass(frozen=True, kw_only=True)
class ChunkScore:
    """What one chunk of images contributes to a score."""

    first: int  # index of its first image in the split
    final: ThresholdHistogram
    auxiliary: ThresholdHistogram
    classification: F1Counts
    similarity: Tensor  # (n, blocks): mean cosine of all pairs of patch tokens of an image
    masks_opened: int
    kept: tuple[ScoredImage, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """The score of one checkpoint on one split; every IoU is in 0..1."""

    images: int
    masks_opened: int
    final: ThresholdCurve
    auxiliary: ThresholdCurve
    f1: float  # of the image-level classification, macro average
    token_similarity: tuple[float, ...]  # per block

    @property
    def bkg(self) -> float:
        """The background threshold with the highest mIoU of the final CAM."""
        return self.final.best().threshold

    @property
    def miou(self) -> float:
        """The mIoU of the final CAM at `bkg`."""
        return self.final.best().miou

    @property
    def aux_bkg(self) -> float:
        """The background threshold with the highest mIoU of the auxiliary CAM."""
        return self.auxiliary.best().threshold

    @property
    def aux_miou(self) -> float:
        """The mIoU of the auxiliary CAM at `aux_bkg`."""
        return self.auxiliary.best().miou

    def at(self, bkg: float) -> float:
        """Return the mIoU of the final CAM at a threshold that was chosen elsewhere."""
        return self.final.at(bkg)

    def aux_at(self, bkg: float) -> float:
        """Return the mIoU of the auxiliary CAM at a threshold that was chosen elsewhere."""
        return self.auxiliary.at(bkg)


def chunks(images: int, size: int = CHUNK_IMAGES) -> list[range]:
    """Cut a split of so many images into the chunks that are scored together."""
    return [range(first, min(first + size, images)) for first in range(0, images, size)]


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
    return ChunkScore(
        first=indices[0],
        final=_histogram(cam, samples, split.info),
        auxiliary=_histogram(cam_aux, samples, split.info),
        classification=F1Counts.of(logits, labels),
        similarity=torch.stack(
            [token_similarity(tokens) for tokens in encoded.blocks], dim=1
        ).cpu(),
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
    return ScoredImage(_at_mask(pixels, sample).cpu(), _at_mask(present, sample).cpu(), sample.mask)


def _at_mask(maps: Tensor, sample: EvaluationSample) -> Tensor:
    """Resize (K, H, W) to the size of the sample's mask."""
    size = (sample.mask.shape[0], sample.mask.shape[1])
    return F.interpolate(maps[None], size=size, mode="bilinear", align_corners=False)[0]


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
        resized = _at_mask(one, sample)[None].cpu()
        labels, truth = sample.class_labels[None], sample.mask[None]
        total = total + ThresholdHistogram.of(resized, labels, truth, info.ignore_index)
    return total


def summarise(parts: Iterable[ChunkScore]) -> Score:
    """Add up the chunks of a split, in whatever order they come."""
    ordered = sorted(parts, key=lambda part: part.first)
    similarity = torch.cat([part.similarity for part in ordered])  # (images, blocks)
    return Score(
        images=len(similarity),
        masks_opened=sum(part.masks_opened for part in ordered),
        final=reduce(add, (part.final for part in ordered)).curve(),
        auxiliary=reduce(add, (part.auxiliary for part in ordered)).curve(),
        f1=reduce(add, (part.classification for part in ordered)).macro_f1,
        token_similarity=tuple(
            math.fsum(block) / len(similarity) for block in similarity.T.tolist()
        ),
    )
