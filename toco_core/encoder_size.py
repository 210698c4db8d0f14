"""The sizes of a Vision Transformer, for those who count before torch is imported."""

from __future__ import annotations

from typing import NamedTuple


class EncoderSize(NamedTuple):
    """The sizes of a Vision Transformer."""

    depth: int
    width: int  # D
    hidden: int  # of the MLP
    patch: int  # px
