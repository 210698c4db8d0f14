"""Where points lie among the corners of the permutohedral lattice (Adams et al., 2010).

The lattice is that of permuted simplices. A point's simplex has d + 1 corners, whose weights are
its barycentric coordinates, and each corner has a key that equal corners share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.constants import constant
from toco_core.kernels.operators import enclosing_corners, has_kernels

# A lattice point's key is a linear form in its coordinates, modulo 2^64: a step along a direction
# adds a constant to the key. Odd multipliers of full length keep any points that a picture can
# hold apart (n points collide with probability n^2 / 2^65, 1e-8 for half a million).
MULTIPLIERS = (
    0x9E3779B97F4A7C15,
    0xBF58476D1CE4E5B9,
    0x94D049BB133111EB,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
    0xE7037ED1A0B428DB,
    0x8EBC6AF09C88C6E3,
    0x589965CC75374CC3,
)


class SortedCorners(NamedTuple):
    """The corners of the simplices around the points, sorted: what a lattice is built of.

    How many lattice points there are is known on the device: a host that asks later need not wait.
    """

    weights: Tensor  # (P, d + 1) of the corners of each of the P = B * N points
    keys: Tensor  # (P * (d + 1),) int64, in order
    order: Tensor  # (P * (d + 1),) int64: where each key was
    place: Tensor  # (P * (d + 1),) int32: which of the different keys it is
    shape: tuple[int, int]  # (B, N)

    def changed(self, change: Callable[[Tensor], Tensor]) -> SortedCorners:
        """Return the same with all its tensors changed."""
        weights, keys, order, place = (change(tensor) for tensor in self[:4])
        return SortedCorners(weights, keys, order, place, self.shape)

    @property
    def size(self) -> Tensor:
        """The number of lattice points, (1,) int32."""
        return self.place[-1:] + 1


def sort_corners(features: Tensor) -> SortedCorners:
    """Find and sort the corners around points.

    Args:
        features: (B, N, d) float32 coordinates in standard deviations of the Gaussian; the B sets
            do not see each other.

    Raises:
        ValueError: more coordinates than there are multipliers for.
    """
    batch, points, dims = features.shape
    if dims >= len(MULTIPLIERS):
        raise ValueError(f"{dims} coordinates: the lattice has keys for 1..{len(MULTIPLIERS) - 1}")
    corner_keys, weights = _corners(features)
    keys, order = corner_keys.flatten().sort()
    is_new = F.pad(keys[1:] != keys[:-1], (1, 0), value=True)
    place = is_new.cumsum(0, dtype=torch.int32) - 1
    return SortedCorners(weights, keys, order, place, (batch, points))


def _corners(features: Tensor) -> tuple[Tensor, Tensor]:
    """Find the corners around points: keys (P, d + 1) int64 and weights (P, d + 1)."""
    batch, points, dims = features.shape
    if has_kernels(features):
        scales = constant(unit_scales(dims), dtype=torch.float32, device=features.device)
        multipliers = constant(map(signed, MULTIPLIERS[: dims + 1]), device=features.device)
        return enclosing_corners(features.float().contiguous(), scales, multipliers)
    base, rank, weights = _enclosing_simplex(_elevate(features.reshape(-1, dims)))
    image = torch.arange(batch, device=features.device).repeat_interleave(points)
    return _corner_keys(base, rank, image), weights


def unit_scales(dims: int) -> list[float]:
    """Scale each coordinate to lattice units: the blur has the variance of the Gaussian."""
    unit = math.sqrt(2 / 3) * (dims + 1)  # (Adams et al., section 3.1)
    return [unit / math.sqrt((i + 1) * (i + 2)) for i in range(dims)]


def _elevate(features: Tensor) -> Tensor:
    """Map (P, d) isometrically to the plane of zero sum in d + 1 dimensions, in lattice units."""
    dims = features.shape[1]
    scaled = features * constant(unit_scales(dims), dtype=features.dtype, device=features.device)
    tail = scaled.flip(1).cumsum(1).flip(1)  # (P, d): sum from i on
    steps = constant(range(1, dims + 1), dtype=features.dtype, device=features.device)
    return F.pad(tail, (0, 1)) - F.pad(scaled * steps, (1, 0))  # (P, d + 1)


def _enclosing_simplex(elevated: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find the simplex around each point (P, d + 1).

    Returns:
        The zero-colour corner (P, d + 1) int64, the rank of each coordinate's remainder (P, d + 1)
        int64, largest first, and the barycentric weights of the corners (P, d + 1).
    """
    size = elevated.shape[1]
    nearest = _round_half_down(elevated / size)  # (P, d + 1)
    excess = nearest.sum(dim=1, keepdim=True).long()
    rank = _rank(elevated - nearest * size) + excess
    wrap = (rank < 0).long() - (rank >= size).long()
    rank = rank + wrap * size
    base = nearest.long() * size + wrap * size
    remainder = (elevated - base) / size
    descending = torch.empty_like(remainder).scatter_(1, rank, remainder)
    last = 1 + descending[:, -1:] - descending[:, :1]
    # Corner k lies k coordinates, those of least remainder, one simplex edge further.
    inner = (descending[:, :-1] - descending[:, 1:]).flip(1)
    return base, rank, torch.cat([last, inner], dim=1)


def _round_half_down(values: Tensor) -> Tensor:
    return torch.ceil(values - 0.5)


def _rank(remainder: Tensor) -> Tensor:
    """Rank the columns of each row, largest first, ties in order: (P, n) -> (P, n)."""
    order = remainder.argsort(dim=1, descending=True, stable=True)
    ranks = torch.arange(remainder.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, ranks)


def signed(constant: int) -> int:
    return (constant + 2**63) % 2**64 - 2**63


def _corner_keys(base: Tensor, rank: Tensor, image: Tensor) -> Tensor:
    """Number the corners of each point's simplex: (P, d + 1) int64, equal for the same corner."""
    dims = base.shape[1] - 1
    multipliers = constant(map(signed, MULTIPLIERS[: dims + 1]), device=base.device)
    # The last coordinate follows from the others; its multiplier serves the image.
    origin = (base[:, :dims] * multipliers[:dims]).sum(dim=1) + image * multipliers[dims]
    # Corner k is k steps along all coordinates, less d + 1 along those of the k highest ranks.
    weighs = F.pad(multipliers[:dims], (0, 1)).expand_as(rank)
    by_rank = torch.empty_like(rank).scatter_(1, rank, weighs)  # (P, d + 1)
    highest = F.pad(by_rank.flip(1)[:, :dims].cumsum(dim=1), (1, 0))  # (P, d + 1)
    ahead = torch.arange(dims + 1, device=base.device) * multipliers[:dims].sum()
    return origin[:, None] + ahead - (dims + 1) * highest


def key_step(axis: int, dims: int) -> int:
    """Return what one lattice step adds to a key: coordinates +1, the axis' own -d."""
    steps = [1 - (dims + 1) * (i == axis) for i in range(dims)]
    return signed(sum(step * m for step, m in zip(steps, MULTIPLIERS, strict=False)))
