"""A GPU without memory left: what to do about it in one line, and nothing of it left behind."""

from __future__ import annotations

import gc
import traceback

import torch

from toco_core.settings import Recipe


class GpuMemoryError(MemoryError):
    """A step is too large for its GPU; that the machine has no memory is a `MemoryError`."""


def ways_to_less(recipe: Recipe, world_size: int = 1) -> list[str]:
    """Return the settings that make a step smaller, those first that change no loss."""
    compute, images = recipe.compute, recipe.data.images_per_step
    share = images // world_size
    parts = next((n for n in range(compute.parts + 1, share + 1) if share % n == 0), None)
    ways = [] if compute.recompute_blocks else ["compute.recompute_blocks=true"]
    ways += [f"compute.parts={parts}"] if parts else []
    return [*ways, f"data.images_per_step={images // 2}"] if images > world_size else ways


def out_of_memory(recipe: Recipe, world_size: int = 1) -> str:
    """Say in one line what did not fit, and what to change."""
    size = f"{recipe.data.images_per_step // world_size} images at {recipe.data.crop_size} px"
    ways = [f"--set {way}" for way in ways_to_less(recipe, world_size)]
    advice = ", or ".join(ways) if ways else "a smaller data.crop_size or backbone"
    return f"the GPU's memory ran out in a step of {size}, of {recipe.backbone.name}: {advice}"


def release(error: BaseException) -> None:
    """Give back what the frames of an error hold on the GPU, so that the next run starts clean.

    Without it the network and its activations would live as long as the traceback.
    """
    chain: BaseException | None = error
    while chain is not None:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
