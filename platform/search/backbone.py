"""The sizes of a backbone, where possible before torch is imported."""

from __future__ import annotations

from toco_core.encoder_size import PARTSCENES_SIZE, PARTSCENES_VIT, EncoderSize
from toco_core.settings import Backbone


def backbone_depth(backbone: Backbone) -> int:
    """Return the number of blocks; refuse a backbone or weights that every trial would fail on."""
    if backbone.name == PARTSCENES_VIT and backbone.weights in ("embedded", "random"):
        return PARTSCENES_SIZE.depth
    from toco_core.model.backbones import build_backbone  # timm takes seconds

    return len(build_backbone(backbone).blocks)


def encoder_size(backbone: Backbone) -> EncoderSize:
    """Return the sizes of a backbone, where possible without torch."""
    if backbone.name == PARTSCENES_VIT:
        return PARTSCENES_SIZE
    from toco_core.model.backbones import backbone_size  # timm takes seconds

    return backbone_size(backbone.name)
