"""What each block of a frozen backbone gives for the images of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from toco_core.data.loader import whole_image
from toco_core.data.reader import ParquetSplit
from toco_core.images import normalise, resize_maps
from toco_core.model.encoder import Encoder
from toco_core.scoring.cam import token_similarity

BATCH = 16
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """What L blocks give for N images of C classes, on the CPU.

    Attributes:
        class_tokens: (L, N, D).
        patch_maxima: (L, N, D), the largest of all patch tokens in each dimension: what ToCo's
            classifiers see.
        similarity: (L, N), mean cosine of all pairs of an image's patch tokens.
        common: (N,), how much of the squared length of the last block's patch tokens is that of
            their mean over all images, 0..1.
        labels: (N, C), 0 or 1.
        sides: (N,) int64, the longer side of each image as it is in the data set, px.
    """

    class_tokens: Tensor
    patch_maxima: Tensor
    similarity: Tensor
    common: float
    labels: Tensor
    sides: Tensor


@torch.inference_mode()
def read_features(
    encoder: Encoder,
    split: ParquetSplit,
    indices: Sequence[int],
    size: int,
    progress: Progress = lambda _done, _total: None,
) -> Features:
    """Run a backbone over some images, each resized to a square; no mask is opened.

    Args:
        encoder: on its device.
        split: that has the images.
        indices: their rows.
        size: side of the square, px.
        progress: is told how many images are done.

    Raises:
        DatasetError: an image cannot be read.
    """
    encoder.eval()
    parts, labels, sides = [], [], list[int]()
    for start in range(0, len(indices), BATCH):
        images = [whole_image(split, index) for index in indices[start : start + BATCH]]
        labels += [image.class_labels for image in images]
        sides += [max(image.pixels.shape[1:]) for image in images]
        pixels = torch.stack([resize_maps(normalise(i.pixels), [size, size]) for i in images])
        parts.append(_Part.of(encoder, pixels))
        progress(min(start + BATCH, len(indices)), len(indices))
    mean = torch.stack([part.token_sum for part in parts]).sum(0) / sum(p.tokens for p in parts)
    squares = sum(part.square_sum for part in parts) / sum(part.tokens for part in parts)
    return Features(
        class_tokens=torch.cat([part.class_tokens for part in parts], dim=1),
        patch_maxima=torch.cat([part.patch_maxima for part in parts], dim=1),
        similarity=torch.cat([part.similarity for part in parts], dim=1),
        common=float(mean.square().sum() / squares),
        labels=torch.stack(labels),
        sides=torch.tensor(sides),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """The features of a batch, and the sums of the last block's patch tokens."""

    class_tokens: Tensor  # (L, n, D)
    patch_maxima: Tensor  # (L, n, D)
    similarity: Tensor  # (L, n)
    token_sum: Tensor  # (D,)
    square_sum: float
    tokens: int

    @classmethod
    def of(cls, encoder: Encoder, images: Tensor) -> _Part:
        device = next(encoder.parameters()).device
        outputs = list(_without_prefix(encoder, images.to(device)))
        last = outputs[-1][1].double()  # (n, h * w, D)
        return cls(
            class_tokens=torch.stack([token.float().cpu() for token, _ in outputs]),
            patch_maxima=torch.stack([patches.amax(1).float().cpu() for _, patches in outputs]),
            similarity=torch.stack([token_similarity(patches).cpu() for _, patches in outputs]),
            token_sum=last.sum((0, 1)).cpu(),
            square_sum=float(last.square().sum()),
            tokens=last.shape[0] * last.shape[1],
        )


def _without_prefix(encoder: Encoder, images: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield, block by block, the class tokens (n, D) and the patch tokens (n, h * w, D)."""
    prefix = encoder.vit.num_prefix_tokens
    for tokens in encoder.block_outputs(images):
        yield tokens[:, 0], tokens[:, prefix:]
