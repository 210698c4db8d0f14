"""The patch embedding of a ViT: a convolution, or the same as one matrix product."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def embed_patches(images: Tensor, embedding: nn.Conv2d) -> Tensor:
    """Embed the patches of images: (B, 3, H, W) -> (B, h * w, D); a rest of a patch is cut off.

    On a GPU it is a product: its convolutions want the channels of the input in eights, and here
    there are three. On a CPU the convolution is as fast, and copies nothing.

    Args:
        images: of any size.
        embedding: its stride is its size.
    """
    if images.is_cuda:
        return patches_by_product(images, embedding)
    return patches_by_convolution(images, embedding)


def patches_by_convolution(images: Tensor, embedding: nn.Conv2d) -> Tensor:
    """Embed the patches of images by the convolution itself; arguments as above."""
    return embedding(images).flatten(2).transpose(1, 2)


def patches_by_product(images: Tensor, embedding: nn.Conv2d) -> Tensor:
    """Embed the patches of images by one product; arguments as above."""
    high, wide = embedding.kernel_size[0], embedding.kernel_size[1]
    rows, columns = images.shape[-2] // high, images.shape[-1] // wide
    cut = images[:, :, : rows * high, : columns * wide]
    apart = cut.unflatten(3, (columns, wide)).unflatten(2, (rows, high))  # (B, 3, h, p, w, p)
    patches = apart.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)  # (B, h * w, 3 p p)
    return F.linear(patches, embedding.weight.flatten(1), embedding.bias)
