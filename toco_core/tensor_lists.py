"""One kernel for a whole list of tensors. PyTorch documents these functions, as a beta."""

# pyright: reportPrivateImportUsage=false

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def copy_all(targets: Iterable[Tensor], sources: Iterable[Tensor]) -> None:
    """Copy each source into the target of the same place, whatever its type."""
    torch._foreach_copy_(list(targets), list(sources))


@torch.no_grad()
def zero_all(tensors: Iterable[Tensor]) -> None:
    """Set every tensor to zero."""
    torch._foreach_zero_(list(tensors))
