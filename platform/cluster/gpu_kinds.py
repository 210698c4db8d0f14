"""What is known of the kinds of GPUs, for estimates before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# Ray's resource that names the kind of a machine's GPUs, such as accelerator_type:H100.
KIND_RESOURCE = "accelerator_type:"


class GpuKind(NamedTuple):
    """A kind of GPU, from its data sheet."""

    name: str
    memory: float  # GB
    tflops: float  # 1e12 operations a second: dense bfloat16 products, float32 where there are none
    has_bfloat16: bool = True


_KINDS = (
    GpuKind("H200", 141, 989),
    GpuKind("H100", 80, 989),
    GpuKind("A100-80G", 80, 312),
    GpuKind("A100", 40, 312),
    GpuKind("L40S", 48, 362),
    GpuKind("A10G", 24, 125),
    GpuKind("L4", 24, 121),
    GpuKind("V100", 16, 15.7, has_bfloat16=False),
    GpuKind("T4", 16, 8.1, has_bfloat16=False),
)
UNKNOWN = GpuKind("GPU of unknown kind", 16, 100)  # the memory of the smallest that are in use


def kind_of(machine: Mapping[str, float]) -> GpuKind:
    """Return the kind of the GPUs of a machine, as its resources tell."""
    names = [key.removeprefix(KIND_RESOURCE) for key in machine if key.startswith(KIND_RESOURCE)]
    known = {kind.name: kind for kind in _KINDS}
    return next((known[name] for name in names if name in known), UNKNOWN)


def kind_resource(device_name: str) -> str:
    """Return Ray's resource of a device, such as "NVIDIA H100 80GB HBM3"."""
    words = device_name.replace("-", " ").replace("Tesla", "").split()
    name = next((kind.name for kind in _KINDS if kind.name in words), UNKNOWN.name)
    return f"{KIND_RESOURCE}{name}"
