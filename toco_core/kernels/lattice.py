"""The simplex around each point of the permutohedral lattice, as one Triton kernel.

`permutohedral` holds the tensor version, which is the reference, and takes about 60 launches.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

POINTS = 128  # of a program
COLUMNS = 8  # at least d + 1, a power of two


def enclosing_corners(
    features: Tensor, scales: Tensor, multipliers: Tensor
) -> tuple[Tensor, Tensor]:
    """Find the corners of the simplex around each point.

    Args:
        features: (B, N, d) float32 on a GPU, contiguous.
        scales: (d,) float32: of each coordinate in lattice units.
        multipliers: (d + 1,) int64: of each coordinate in a key; the last one is the image's.

    Returns:
        The keys of the corners (B * N, d + 1) int64, and their weights (B * N, d + 1) float32.
    """
    batch, points, dims = features.shape
    keys = torch.empty(batch * points, dims + 1, dtype=torch.int64, device=features.device)
    weights = torch.empty(batch * points, dims + 1, device=features.device)
    _corners[(triton.cdiv(batch * points, POINTS),)](
        features,
        scales,
        multipliers,
        keys,
        weights,
        batch * points,
        points,
        D=dims,
        POINTS=POINTS,
        COLUMNS=COLUMNS,
    )
    return keys, weights


@triton.jit
def _corners(
    features,
    scales,
    multipliers,
    keys,
    weights,
    total,
    points,
    D: tl.constexpr,
    POINTS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    point = tl.program_id(0) * POINTS + tl.arange(0, POINTS)
    exists = point < total
    column = tl.arange(0, COLUMNS)[None, :]  # (1, COLUMNS), of which d + 1 count
    counts = column <= D
    # The point in the plane of zero sum, in lattice units (Adams et al., section 3.1).
    elevated = tl.zeros([POINTS, COLUMNS], tl.float32)
    for back in tl.static_range(D):
        # Axis D - 1 - back; a constant of a kernel cannot be named anew in each turn of a loop.
        scaled = tl.load(features + point * D + (D - 1 - back), mask=exists, other=0.0)
        scaled = (scaled * tl.load(scales + (D - 1 - back)))[:, None]
        elevated += tl.where(column <= D - 1 - back, scaled, 0.0)
        elevated -= tl.where(column == D - back, scaled * (D - back), 0.0)
    # The nearest point of colour zero, and the rank of what remains in each coordinate.
    size: tl.constexpr = D + 1
    nearest = tl.ceil(elevated / size - 0.5)
    excess = tl.sum(tl.where(counts, nearest, 0.0), axis=1).to(tl.int32)
    rest = elevated - nearest * size
    rank = tl.zeros([POINTS, COLUMNS], tl.int32)
    for other in tl.static_range(D + 1):
        that = tl.sum(tl.where(column == other, rest, 0.0), axis=1)[:, None]
        before = (that > rest) | ((that == rest) & (other < column))
        rank += before.to(tl.int32)
    rank += excess[:, None]
    wrap = (rank < 0).to(tl.int32) - (rank >= size).to(tl.int32)
    rank = tl.where(counts, rank + wrap * size, COLUMNS)
    base = nearest.to(tl.int64) * size + wrap.to(tl.int64) * size
    rest = (elevated - base.to(tl.float32)) / size
    # Keys: a linear form in the coordinates, modulo 2^64.
    factor = tl.load(multipliers + column, mask=column < D, other=0)  # (1, COLUMNS)
    image = (point // points).to(tl.int64)
    key = tl.sum(tl.where(column < D, base * factor, 0), axis=1)
    key += image * tl.load(multipliers + D)
    ahead = tl.sum(factor, axis=1)  # (1,): one step along every coordinate
    first = tl.sum(tl.where(rank == 0, rest, 0.0), axis=1)
    above = tl.sum(tl.where(rank == D, rest, 0.0), axis=1)
    tl.store(keys + point * (D + 1), key, mask=exists)
    tl.store(weights + point * (D + 1), 1 + above - first, mask=exists)
    # Corner k lies k coordinates, those of least remainder, one edge of the simplex further.
    for corner in tl.static_range(1, D + 1):
        key += ahead - size * tl.sum(tl.where(rank == D + 1 - corner, factor, 0), axis=1)
        below = above
        above = tl.sum(tl.where(rank == D - corner, rest, 0.0), axis=1)
        tl.store(keys + point * (D + 1) + corner, key, mask=exists)
        tl.store(weights + point * (D + 1) + corner, above - below, mask=exists)
