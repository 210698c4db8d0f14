"""Gaussian filtering on the permutohedral lattice (Adams et al., Eurographics 2010), in tensors.

Points are embedded in the lattice of permuted simplices, their values spread to the corners of the
simplex around them, blurred along each lattice direction, and collected again. Each of the three
is a product with a sparse matrix, for which PyTorch's kernel is `embedding_bag`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.losses.lattice_corners import SortedCorners, key_step, sort_corners


class PermutohedralLattice:
    """The lattice around a batch of point sets: build it once, filter as often as you like.

    Args:
        corners: of the points.
        size: reserve this many lattice points; at least as many as there are. None: as many as
            there are, for which the host waits. More gives the same sums to the bit.
    """

    def __init__(self, corners: SortedCorners, size: int | None = None) -> None:
        self.shape = corners.shape
        self.weights = corners.weights
        self.size = int(corners.size) if size is None else size
        dims = self.weights.shape[1] - 1
        order, place = corners.order, corners.place
        self.corners = torch.empty_like(place).scatter_(0, order, place).view_as(self.weights)
        self.members = (order // (dims + 1)).int()  # points in the order of their corners
        self.member_weights = self.weights.flatten()[order]
        unique, self.offsets = _group(corners.keys, place, self.size)
        steps = (key_step(axis, dims) for axis in range(dims + 1))
        self.neighbours = [_neighbours(unique, step) for step in steps]

    @classmethod
    def around(cls, features: Tensor) -> PermutohedralLattice:
        """Build the lattice around points (B, N, d); the host waits for its size."""
        return cls(sort_corners(features))

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
        return F.embedding_bag(
            self.members, flat, self.offsets, mode="sum", per_sample_weights=self.member_weights
        )


def _group(keys: Tensor, place: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Tell sorted keys (n,) apart: the different ones, and where each begins, (size,) each.

    The places at the end that are left over hold no point: their keys are the largest there is.
    """
    none = torch.iinfo(torch.int64).max  # stays sorted
    count = len(keys)
    is_first = F.pad(place[1:] != place[:-1], (1, 0), value=True)
    target = place.where(is_first, size).long()  # what comes again is written to a row too many
    begins = torch.arange(count, dtype=torch.int32, device=keys.device)
    unique = keys.new_full((size + 1,), none).scatter_(0, target, keys)[:size]
    return unique, begins.new_full((size + 1,), count).scatter_(0, target, begins)[:size]


def _neighbours(unique: Tensor, step: int) -> Tensor:
    """Find the points a step ahead and behind: sorted keys (M,) -> (M, 2) int32, M where none."""
    count = len(unique)
    found = torch.searchsorted(unique, unique + step).clamp(max=count - 1)  # (M,)
    ahead = found.where(unique[found] == unique + step, count)
    # Who has me ahead is behind me. Row `count` takes the writes of those that have nobody.
    here = torch.arange(count, dtype=torch.int32, device=unique.device)
    behind = here.new_full((count + 1,), count).scatter_(0, ahead, here)[:-1]
    return torch.stack([ahead.int(), behind], dim=1)


def _blur(lattice: Tensor, neighbours: Tensor) -> Tensor:
    """Add half of both neighbours to each lattice point (M, K); an absent one counts 0."""
    padded = F.pad(lattice, (0, 0, 0, 1))
    return lattice + 0.5 * F.embedding_bag(neighbours, padded, mode="sum")


def _weighted_sum(rows: Tensor, table: Tensor, weights: Tensor) -> Tensor:
    return F.embedding_bag(rows, table, mode="sum", per_sample_weights=weights)
