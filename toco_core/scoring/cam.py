"""Score a checkpoint by the mIoU of its CAMs, over every background threshold in one pass.

A split is scored in chunks of consecutive images. What a chunk yields adds up in integers (and in
per-image values that are put in order), so a score does not depend on how many workers shared them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.image_cam import PresentCams, all_classes, present_cams
from toco_core.data.batch import EvaluationSample
from toco_core.data.loader import evaluation_samples
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.images import eight_bit, resize_maps
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.scoring.cam_score import ChunkScore
from toco_core.scoring.kept_images import ScoredImage
from toco_core.scoring.metrics import F1Counts, ThresholdHistogram
from toco_core.settings import Recipe


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
        FloatingPointError: class scores or CAMs are not finite: the checkpoint is broken.
    """
    before = split.ledger.total()
    samples = list(evaluation_samples(split, indices, recipe.data.crop_size, purpose=purpose))
    device = next(model.parameters()).device
    images = torch.stack([sample.image for sample in samples]).to(device)  # (n, 3, S, S)
    labels = torch.stack([sample.class_labels for sample in samples])  # (n, C)
    output: ToCoOutput = model(images, segment=False, keep_blocks=True)
    if not bool(torch.isfinite(output.cls).all()):  # the CAMs of absent classes are not looked at
        raise FloatingPointError("the class scores of this checkpoint are not finite")
    # One size for all CAMs; the masks differ.
    small = present_cams(model, recipe, images, labels, output.raw_cams)
    cams = [one.resized(s.mask.shape) for one, s in zip(small, samples, strict=True)]
    similarity = torch.stack([token_similarity(tokens) for tokens in output.blocks], dim=1)
    return ChunkScore(
        first=indices[0],
        final=_histogram([one.final for one in cams], samples, split.info),
        auxiliary=_histogram([one.auxiliary for one in cams], samples, split.info),
        classification=F1Counts.of(output.cls.cpu(), labels),
        similarity=similarity.cpu().numpy(),
        masks_opened=split.ledger.total() - before,
        kept=tuple(
            _scored_image(image, one, sample)
            for index, image, one, sample in zip(indices, images, cams, samples, strict=True)
            if index < keep
        ),
    )


def _scored_image(image: Tensor, cams: PresentCams, sample: EvaluationSample) -> ScoredImage:
    pixels = resize_maps(eight_bit(image[None])[0], sample.mask.shape).cpu()
    cam = all_classes(cams.final, cams.classes, len(sample.class_labels))
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


def _histogram(
    cams: Sequence[Tensor], samples: Sequence[EvaluationSample], info: DatasetInfo
) -> ThresholdHistogram:
    """Count what the CAMs, (K, H, W) of the K classes present, say at every threshold."""
    total = ThresholdHistogram.empty(info.num_classes)
    for maps, sample in zip(cams, samples, strict=True):
        classes = sample.class_labels.nonzero().flatten()
        total = total + ThresholdHistogram.of_present(
            maps, classes, sample.mask, info.num_classes, info.ignore_index
        )
    return total
