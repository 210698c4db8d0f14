"""The same losses to the bit in a second run on the same GPU."""

from __future__ import annotations

import os

import torch
from torch.utils import deterministic

from toco_core.settings import Recipe


def choose_algorithms(device: torch.device, recipe: Recipe) -> None:
    """Let a GPU use deterministic algorithms alone, if the recipe asks for it.

    It holds for the whole process. What runs twice at once on a GPU adds up in any order: gradients
    of attention, of maxima and of interpolated maps, and products that several blocks share.
    """
    if device.type != "cuda":
        return
    if recipe.compute.deterministic:
        # The products of cuBLAS are deterministic with a workspace of a fixed size alone.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        setattr(deterministic, "fill_uninitialized_memory", False)  # noqa: B010  # not in its stub
    torch.use_deterministic_algorithms(recipe.compute.deterministic)
