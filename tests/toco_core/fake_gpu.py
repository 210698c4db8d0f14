"""A step on a GPU that is not there: its tensors have sizes and a device, but no content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.step import ToCoLosses

aten = torch.ops.aten
COPIES = {aten._to_copy.default: 0, aten.copy_.default: 1}  # and which argument is the source


class WaitingCopies(TorchDispatchMode):
    """Lists every copy between host and device that makes the host wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func in COPIES:
            source = args[COPIES[func]]
            non_blocking = kwargs.get("non_blocking") or (func is aten.copy_.default and args[2:])
            if source.device.type != result.device.type and not non_blocking:
                self.found.append(f"{tuple(source.shape)} {source.dtype}")
        return result


def on_fake_gpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of the same kind on the GPU; only within `FakeTensorMode`."""
    return {name: fake_tensor(tensor) for name, tensor in tensors.items()}


def fake_tensor(tensor: Tensor) -> Tensor:
    return torch.empty(
        tensor.shape, dtype=tensor.dtype, device="cuda", requires_grad=tensor.requires_grad
    )


def waiting_copies(module: ToCoLosses, batch: Any, iteration: int) -> list[str]:
    """Return the copies for which the host waits in a forward pass; the engine needs a real GPU."""
    with FakeTensorMode():
        state = on_fake_gpu(dict(module.named_parameters()) | dict(module.named_buffers()))
        fake = batch.changed(fake_tensor)
        with WaitingCopies() as copies:
            assert module.corners is not None
            corners = module.corners(fake.images)
            lattice = PermutohedralLattice(corners, corners.keys.numel())
            given = {"lattice": lattice}
            losses = torch.func.functional_call(module, state, (fake, iteration), given)
            assert losses["total"].is_cuda
    return copies.found
