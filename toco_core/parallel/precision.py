"""Mixed precision: which type the network computes in, and how float16 keeps its gradients."""

from __future__ import annotations

import torch
from torch.amp.grad_scaler import GradScaler

from toco_core.settings import Precision

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Let matrix products inside the context compute in `precision`; weights stay float32."""
    return torch.autocast(device.type, _TYPES[precision], enabled=precision != "float32")


def make_scaler(precision: Precision, device: torch.device) -> GradScaler:
    """Scale the loss for float16, whose small gradients would be 0; else do nothing.

    A step whose scaled gradients overflow is left out, and the next one is scaled less.
    """
    return GradScaler(device.type, enabled=precision == "float16")
