"""Mixed precision: which type the network computes in, and how float16 keeps its gradients."""

from __future__ import annotations

import torch
from torch.amp.grad_scaler import GradScaler

from toco_core.settings import Recipe
from toco_core.settings.recipe import ConcretePrecision

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def precision_on(device: torch.device, recipe: Recipe) -> ConcretePrecision:
    """Decide what `auto` means on a device.

    bfloat16 where a GPU has it; float32 on a CPU, and to reproduce the authors' code.
    """
    asked = recipe.compute.precision
    if asked != "auto":
        return asked
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if has_bfloat16 and not recipe.official_quirks else "float32"


def allow_tf32(device: torch.device, recipe: Recipe) -> None:
    """Let the tensor cores of a GPU take the float32 products that are left, in 10 bits (TF32).

    It holds for the whole process. `compute.precision: float32` and the authors' quirks mean
    float32 in full.
    """
    if device.type == "cuda":
        in_full = recipe.official_quirks or recipe.compute.precision == "float32"
        torch.set_float32_matmul_precision("highest" if in_full else "high")
        torch.backends.cudnn.allow_tf32 = not in_full


def autocast(precision: ConcretePrecision, device: torch.device) -> torch.autocast:
    """Let matrix products inside the context compute in `precision`; weights stay float32."""
    return torch.autocast(device.type, _TYPES[precision], enabled=precision != "float32")


def sharing_casts(device: torch.device) -> torch.autocast:
    """Let all contexts of `autocast` inside this one cast a weight once, instead of once each."""
    return torch.autocast(device.type, enabled=False)


def make_scaler(precision: ConcretePrecision, device: torch.device) -> GradScaler:
    """Scale the loss for float16, whose small gradients would be 0; else do nothing.

    A step whose scaled gradients overflow is left out, and the next one is scaled less.
    """
    return GradScaler(device.type, enabled=precision == "float16")
