"""Vision Transformers by name: the ones of timm, and the small one that ships in this package."""

from __future__ import annotations

import difflib
from functools import cache

import timm
import torch
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from toco_core.encoder_size import PARTSCENES_SIZE, PARTSCENES_VIT, EncoderSize
from toco_core.model.backbone_weights import embedded_weights, hub_weights, load_weights
from toco_core.settings import Backbone


def partscenes_vit(num_classes: int = 0, drop_path: float = 0.0) -> VisionTransformer:
    """Build the untrained ViT of the embedded dataset: 64 px images, 8x8 tokens, 2 M weights."""
    return VisionTransformer(
        img_size=64,
        patch_size=PARTSCENES_SIZE.patch,
        embed_dim=PARTSCENES_SIZE.width,
        depth=PARTSCENES_SIZE.depth,
        num_heads=4,
        num_classes=num_classes,
        drop_path_rate=drop_path,
    )


def build_backbone(settings: Backbone) -> VisionTransformer:
    """Build the Vision Transformer that `settings` name, with its weights.

    Raises:
        ValueError: the architecture is unknown or cannot carry ToCo, or its weights cannot be had.
    """
    vit = require_supported(_architecture(settings.name, settings.drop_path), settings.name)
    match settings.weights:
        case "random":
            return vit
        case "timm":
            return load_weights(vit, hub_weights(settings.name))
        case "embedded":
            return load_weights(vit, embedded_weights(settings.name))
        case path:
            return load_weights(vit, path)


@cache  # timm takes half a second to build one, and who places a search asks again and again
def backbone_size(name: str) -> EncoderSize:
    """Return the sizes of the named backbone, without allocating its weights.

    Raises:
        ValueError: the architecture is unknown or cannot carry ToCo.
    """
    if name == PARTSCENES_VIT:
        return PARTSCENES_SIZE
    with torch.device("meta"):
        return size_of(require_supported(_architecture(name, drop_path=0.0), name))


def size_of(vit: VisionTransformer) -> EncoderSize:
    """Return the sizes of a backbone."""
    block = vit.blocks[0].named_parameters()
    hidden = (len(w) for name, w in block if name.startswith("mlp.fc1") and w.ndim == 2)
    return EncoderSize(
        depth=len(vit.blocks),
        width=vit.embed_dim,
        hidden=sum(hidden),
        patch=vit.patch_embed.patch_size[0],
    )


def require_supported(vit: nn.Module, name: str) -> VisionTransformer:
    """Return `vit`, or refuse a network that `toco_core.model.encoder.Encoder` would run wrongly.

    Subclasses are refused too: they override how tokens are embedded (distillation token, relative
    positions), which the encoder does itself.

    Raises:
        ValueError: says in one line what is missing.
    """
    if type(vit) is not VisionTransformer:
        missing = f"it is a {type(vit).__name__}, not a plain timm VisionTransformer"
    elif not vit.has_class_token:
        missing = "it has no class token, which class-token contrast needs"
    elif type(vit.patch_embed) is not PatchEmbed:
        missing = f"it embeds patches by {type(vit.patch_embed).__name__}, not by one convolution"
    elif vit.pos_embed is None:
        missing = "it has no learnt position embedding"
    elif isinstance(vit.norm, nn.Identity):
        missing = "it has no final norm over its tokens (it normalises after pooling)"
    else:
        return vit
    raise ValueError(f"backbone {name!r} cannot carry ToCo: {missing}; try vit_base_patch16_224")


def _architecture(name: str, drop_path: float) -> nn.Module:
    if name == PARTSCENES_VIT:
        return partscenes_vit(drop_path=drop_path)
    if not timm.is_model(name):
        raise ValueError(f"unknown backbone {name!r}; {_suggestion(name)}")
    try:
        return timm.create_model(name, num_classes=0, drop_path_rate=drop_path)
    except (TypeError, RuntimeError) as error:  # no such argument (not a ViT), no such weights' tag
        raise ValueError(f"timm cannot build backbone {name!r}: {error}") from error


def _suggestion(name: str) -> str:
    known = [PARTSCENES_VIT, *timm.list_models("vit_*"), *timm.list_models("deit*")]
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"take {PARTSCENES_VIT} or a ViT of timm"
