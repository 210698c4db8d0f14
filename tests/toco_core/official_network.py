"""The small network of the golden numbers, with the weights that `golden/README.md` prescribes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from toco_core.checkpoint import OFFICIAL_GAIN, OFFICIAL_PREFIXES, load_official
from toco_core.model.encoder import Encoder
from toco_core.model.toco import ToCo
from toco_core.settings import ClassTokenContrast, Decoder

GOLDEN = Path(__file__).parents[1] / "golden"
NETWORK: dict[str, Any] = json.loads((GOLDEN / "network.json").read_text())


def official_state_dict() -> dict[str, Tensor]:
    """Return the state dict in the authors' names."""
    keys = sorted(NETWORK["shapes"])
    weights = {
        key: _weight(key, index + NETWORK["seed"], NETWORK["shapes"][key])
        for index, key in enumerate(keys)
    }
    for key in keys:
        if key.startswith("proj_head_t."):
            weights[key] = weights[key.replace("proj_head_t.", "proj_head.")].clone()
    return weights


def _weight(key: str, offset: int, shape: list[int]) -> Tensor:
    if key.endswith("weight_g"):
        return torch.ones(shape)
    u = np.sin(12.9898 * np.arange(math.prod(shape), dtype=np.float64) + 78.233 * offset)
    u = u * 43758.5453
    u = 2 * (u - np.floor(u)) - 1
    if len(shape) <= 1:
        values = 1 + 0.1 * u if "norm" in key and key.endswith("weight") else 0.1 * u
    else:
        values = u * math.sqrt(3 / math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def untrained_network(**vit: Any) -> ToCo:
    """Build the network's architecture; keyword arguments change its ViT."""
    sizes = {name: NETWORK[name] for name in ("img_size", "patch_size", "embed_dim", "depth")}
    sizes["num_heads"] = NETWORK["num_heads"]
    encoder = Encoder(VisionTransformer(**{**sizes, "num_classes": 0, **vit}), NETWORK["aux_layer"])
    num_classes = NETWORK["num_classes_with_background"] - 1
    return ToCo(encoder, num_classes, Decoder(), ClassTokenContrast())


def official_network() -> ToCo:
    """Build the network of the golden numbers."""
    return load_official(official_state_dict(), untrained_network())


def in_official_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Write a state dict of ours as the authors save theirs: their names, DDP's prefix, gains."""
    theirs: dict[str, Tensor] = {}
    for key, value in weights.items():
        name = official_name(key)
        theirs[f"module.{name}"] = value
        if name.endswith(".weight_v"):
            gain = name.partition(".")[0] + OFFICIAL_GAIN
            theirs[f"module.{gain}"] = torch.ones(len(value), 1)
    return theirs


def official_name(key: str) -> str:
    """Return the authors' name for a weight of ours."""
    for theirs, ours in OFFICIAL_PREFIXES.items():
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    return key
