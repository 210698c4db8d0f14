"""A ViT of timm's that runs in milliseconds."""

from __future__ import annotations

import torch
from timm.models.vision_transformer import VisionTransformer


def tiny_vit(**changes: object) -> VisionTransformer:
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 4, "num_heads": 3}
    torch.manual_seed(0)
    return VisionTransformer(**{**sizes, "num_classes": 0, **changes})  # pyright: ignore[reportArgumentType]
