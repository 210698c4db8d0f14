"""The sizes of a Vision Transformer, for those who count before torch is imported."""

from __future__ import annotations

from typing import NamedTuple


class EncoderSize(NamedTuple):
    """The sizes of a Vision Transformer."""

    depth: int
    width: int  # D
    hidden: int  # of the MLP
    patch: int  # px


# Of the backbone in the package. 10 blocks: room for `aux_layer` to move on both sides of its
# published place (-3).
PARTSCENES_VIT = "partscenes_vit"
PARTSCENES_SIZE = EncoderSize(depth=10, width=128, hidden=512, patch=8)
