"""The kernels as PyTorch operators, which fake tensors, graphs and the compiler understand.

Triton comes with the GPU builds of PyTorch alone: it is imported when a kernel first runs.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

HAS_TRITON = find_spec("triton") is not None


def has_kernels(tensor: Tensor) -> bool:
    """Whether the kernels can run where a tensor is."""
    return HAS_TRITON and tensor.is_cuda


@torch.library.custom_op("toco::neighbour_weights", mutates_args=(), device_types="cuda")
def neighbour_weights(
    images: Tensor, offsets: Tensor, nearness: Tensor, bandwidth: float, tiny: float
) -> Tensor:
    """Weigh the neighbours of every pixel; see `toco_core.kernels.par`."""
    from toco_core.kernels import par

    return par.neighbour_weights(images, offsets, nearness, bandwidth, tiny)


@neighbour_weights.register_fake
def _(images: Tensor, offsets: Tensor, nearness: Tensor, bandwidth: float, tiny: float) -> Tensor:
    batch, _, height, width = images.shape
    return images.new_empty(batch, offsets.shape[1], height * width)


@torch.library.custom_op("toco::average_neighbours", mutates_args=(), device_types="cuda")
def average_neighbours(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Replace each value by the weighted sum of its neighbours'; see `toco_core.kernels.par`."""
    from toco_core.kernels import par

    return par.average_neighbours(values, weights, offsets)


@average_neighbours.register_fake
def _(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    return torch.empty_like(values)


@torch.library.custom_op("toco::enclosing_corners", mutates_args=(), device_types="cuda")
def enclosing_corners(
    features: Tensor, scales: Tensor, multipliers: Tensor
) -> tuple[Tensor, Tensor]:
    """Find keys and weights of the corners around points; see `toco_core.kernels.lattice`."""
    from toco_core.kernels import lattice

    return lattice.enclosing_corners(features, scales, multipliers)


@enclosing_corners.register_fake
def _(features: Tensor, scales: Tensor, multipliers: Tensor) -> tuple[Tensor, Tensor]:
    batch, points, dims = features.shape
    weights = features.new_empty(batch * points, dims + 1)
    return torch.empty_like(weights, dtype=torch.int64), weights


@torch.library.custom_op("toco::coloured_views", mutates_args=(), device_types="cuda")
def coloured_views(
    images: Tensor,
    orders: Tensor,
    factors: Tensor,
    flags: Tensor,
    taps: Tensor,
    scale: Tensor,
    shift: Tensor,
) -> Tensor:
    """Change the colours of images and normalise them; see `toco_core.kernels.colour`."""
    from toco_core.kernels import colour

    return colour.coloured_views(images, orders, factors, flags, taps, scale, shift)


@coloured_views.register_fake
def _(
    images: Tensor,
    orders: Tensor,
    factors: Tensor,
    flags: Tensor,
    taps: Tensor,
    scale: Tensor,
    shift: Tensor,
) -> Tensor:
    return torch.empty_like(images, dtype=torch.float32)
