"""Name and depth of the backbone in the package, for those who ask before torch is imported."""

from __future__ import annotations

PARTSCENES_VIT = "partscenes_vit"
PARTSCENES_DEPTH = 10  # room for `aux_layer` to move on both sides of its published place (-3)
