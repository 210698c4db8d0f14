"""Activations that are cheap to compute again are not kept for the backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

CHEAP = (nn.GELU, nn.LayerNorm)


class _Made(NamedTuple):
    """What a cheap module has made, and of what."""

    output: Tensor
    version: int  # of the output as the module left it
    module: nn.Module
    origin: Tensor


class _Recipe(NamedTuple):
    """How to compute an output once more."""

    module: nn.Module
    origin: Tensor
    shape: torch.Size  # that it was kept in


class Recomputation:
    """Keep only the inputs of GELU and layer norm, and compute their outputs again when asked.

    Both keep their input for themselves anyway; the linear layer that follows would keep the output
    as well. Of the 16 widths that a block keeps of every token, these are 6 (selective activation
    recomputation, Korthikanti et al., 2022, arXiv 2205.05198). The gradients are the same to the
    bit.

    Args:
        network: its modules are watched from now on.

    Attributes:
        enabled: whether less is kept.
    """

    def __init__(self, network: nn.Module) -> None:
        self.enabled = True
        self._is_in_force = False
        # While an output is held here, its memory can be nobody else's: so it is recognised by it.
        self._latest: _Made | None = None
        cheap = [module for module in network.modules() if isinstance(module, CHEAP)]
        self._hooks = [module.register_forward_hook(self._remember) for module in cheap]

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Keep less of what the network computes meanwhile."""
        if not self.enabled:
            yield
            return
        self._is_in_force = True
        try:
            with saved_tensors_hooks(self._pack, _unpack):
                yield
        finally:
            self._is_in_force, self._latest = False, None

    def end(self) -> None:
        """Watch the network no longer; all is kept from now on."""
        self.enabled = False
        for hook in self._hooks:
            hook.remove()

    def _remember(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        # What autocast has cast on the way would come out differently in the backward pass.
        if self._is_in_force and output.requires_grad and output.dtype == inputs[0].dtype:
            self._latest = _Made(output.detach(), output._version, module, inputs[0].detach())

    def _pack(self, tensor: Tensor) -> Tensor | _Recipe:
        made = self._latest
        if made is not None and _is_all_of(made, tensor):
            return _Recipe(made.module, made.origin, tensor.shape)
        return tensor.detach()  # itself, it would hold what keeps it, if that also made it


def _is_all_of(made: _Made, tensor: Tensor) -> bool:
    """Whether it is the whole output, unchanged, in whatever shape."""
    return (
        tensor.untyped_storage() is made.output.untyped_storage()
        and tensor.numel() == made.output.numel()
        and tensor._version == made.version
        and tensor.is_contiguous()
        and made.output.is_contiguous()
    )


def _unpack(kept: Tensor | _Recipe) -> Tensor:
    if isinstance(kept, Tensor):
        return kept
    with torch.no_grad():
        return kept.module(kept.origin).view(kept.shape)
