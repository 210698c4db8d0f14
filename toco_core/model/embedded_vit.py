"""Name and sizes of the backbone in the package, for those who ask before torch is imported."""

from __future__ import annotations

from toco_core.encoder_size import EncoderSize

PARTSCENES_VIT = "partscenes_vit"
# 10 blocks: room for `aux_layer` to move on both sides of its published place (-3).
PARTSCENES_SIZE = EncoderSize(depth=10, width=128, hidden=512, patch=8)
