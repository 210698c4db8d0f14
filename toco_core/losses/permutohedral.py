"""Gaussian filtering on the permutohedral lattice (Adams et al., Eurographics 2010), in tensors.

Points are embedded in the lattice of permuted simplices, their values spread to the corners of the
simplex around them, blurred along each lattice direction, and collected again. Each of the three
is a product with a sparse matrix, for which PyTorch's kernel is `embedding_bag`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.constants import constant

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


class PermutohedralLattice:
    """The lattice around a batch of point sets: build it once, filter as often as you like.

    Args:
        features: (B, N, d) float32 coordinates in standard deviations of the Gaussian; the B sets
            do not see each other.
        fixed_size: reserve as many lattice points as there can be, instead of counting them: on a
            GPU, the host then need not wait for the count. Several times more work.

    Raises:
        ValueError: more coordinates than there are multipliers for.
    """

    def __init__(self, features: Tensor, *, fixed_size: bool = False) -> None:
        batch, points, dims = features.shape
        if dims >= len(MULTIPLIERS):
            raise ValueError(
                f"{dims} coordinates: the lattice has keys for 1..{len(MULTIPLIERS) - 1}"
            )
        base, rank, self.weights = _enclosing_simplex(_elevate(features.reshape(-1, dims)))
        image = torch.arange(batch, device=features.device).repeat_interleave(points)
        keys = _corner_keys(base, rank, image)  # (B * N, d + 1)
        ordered, order = keys.flatten().sort()
        group = _group_fixed if fixed_size else _group
        unique, inverse, self.counts = group(ordered)
        self.corners = torch.empty_like(inverse).index_copy_(0, order, inverse).view_as(keys)
        self.members = order // (dims + 1)  # points in the order of their corners
        self.member_weights = self.weights.flatten()[order]
        self.neighbours = [_neighbours(unique, _key_step(axis, dims)) for axis in range(dims + 1)]
        self.shape = (batch, points)

    def filter(self, values: Tensor) -> Tensor:
        """Sum the values of all points, weighted by a Gaussian of their distance.

        Args:
            values: (B, N, K) float32.

        Returns:
            (B, N, K); a point's own value is part of its sum. Not normalised: the blur stops where
            the lattice has no point, so that pictures get about half the exact sum.
        """
        flat = values.reshape(-1, values.shape[-1])  # (B * N, K)
        lattice = self._splat(flat)
        for neighbours in self.neighbours:
            lattice = _blur(lattice, neighbours)
        dims = len(self.neighbours) - 1
        # The gain of the kernel (1/2, 1, 1/2) along d + 1 directions (reference implementation).
        sliced = _weighted_sum(self.corners, lattice, self.weights) / (1 + 2.0**-dims)
        return sliced.view(*self.shape, -1)

    def _splat(self, flat: Tensor) -> Tensor:
        """Spread points (B * N, K) over the corners around them: (M, K)."""
        offsets = self.counts.cumsum(0) - self.counts
        return F.embedding_bag(
            self.members, flat, offsets, mode="sum", per_sample_weights=self.member_weights
        )


def _elevate(features: Tensor) -> Tensor:
    """Map (P, d) isometrically to the plane of zero sum in d + 1 dimensions, in lattice units."""
    dims = features.shape[1]
    # Unit of the lattice: the blur has the variance of the Gaussian (Adams et al., section 3.1).
    unit = math.sqrt(2 / 3) * (dims + 1)
    scale = [unit / math.sqrt((i + 1) * (i + 2)) for i in range(dims)]
    scaled = features * constant(scale, dtype=features.dtype, device=features.device)
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


def _signed(constant: int) -> int:
    return (constant + 2**63) % 2**64 - 2**63


def _corner_keys(base: Tensor, rank: Tensor, image: Tensor) -> Tensor:
    """Number the corners of each point's simplex: (P, d + 1) int64, equal for the same corner."""
    dims = base.shape[1] - 1
    multipliers = constant(map(_signed, MULTIPLIERS[: dims + 1]), device=base.device)
    # The last coordinate follows from the others; its multiplier serves the image.
    origin = (base[:, :dims] * multipliers[:dims]).sum(dim=1) + image * multipliers[dims]
    # Corner k is k steps along all coordinates, less d + 1 along those of the k highest ranks.
    weighs = F.pad(multipliers[:dims], (0, 1)).expand_as(rank)
    by_rank = torch.empty_like(rank).scatter_(1, rank, weighs)  # (P, d + 1)
    highest = F.pad(by_rank.flip(1)[:, :dims].cumsum(dim=1), (1, 0))  # (P, d + 1)
    ahead = torch.arange(dims + 1, device=base.device) * multipliers[:dims].sum()
    return origin[:, None] + ahead - (dims + 1) * highest


def _group(ordered: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Tell sorted keys (n,) apart: the M different ones, the place of each key, their counts."""
    return torch.unique_consecutive(ordered, return_inverse=True, return_counts=True)


def _group_fixed(ordered: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Do as `_group`, with M = n: the places at the end that are left over hold no point."""
    is_new = F.pad(ordered[1:] != ordered[:-1], (1, 0), value=True)
    inverse = is_new.long().cumsum(0) - 1
    nobody = torch.full_like(ordered, torch.iinfo(torch.int64).max)  # stays sorted
    counts = torch.zeros_like(ordered).scatter_add_(0, inverse, torch.ones_like(ordered))
    return nobody.scatter_(0, inverse, ordered), inverse, counts


def _key_step(axis: int, dims: int) -> int:
    """Return what one lattice step adds to a key: coordinates +1, the axis' own -d."""
    steps = [1 - (dims + 1) * (i == axis) for i in range(dims)]
    return _signed(sum(step * m for step, m in zip(steps, MULTIPLIERS, strict=False)))


def _neighbours(unique: Tensor, step: int) -> Tensor:
    """Find the points a step ahead and behind: sorted keys (M,) -> (M, 2), M where none is."""
    count = len(unique)
    found = torch.searchsorted(unique, unique + step).clamp(max=count - 1)  # (M,)
    exists = unique[found] == unique + step
    ahead = found.where(exists, count)
    # Who has me ahead is behind me. Row `count` takes the writes of those that have nobody.
    here = torch.arange(count, device=unique.device)
    behind = torch.full((count + 1,), count, device=unique.device).scatter_(0, ahead, here)[:-1]
    return torch.stack([ahead, behind], dim=1)


def _blur(lattice: Tensor, neighbours: Tensor) -> Tensor:
    """Add half of both neighbours to each lattice point (M, K); an absent one counts 0."""
    padded = F.pad(lattice, (0, 0, 0, 1))
    return lattice + 0.5 * F.embedding_bag(neighbours, padded, mode="sum")


def _weighted_sum(rows: Tensor, table: Tensor, weights: Tensor) -> Tensor:
    return F.embedding_bag(rows, table, mode="sum", per_sample_weights=weights)
