"""Which row is trained on when: a function of the seed and of the position in the run alone.

Positions count the images of the whole run over all ranks: ``iteration * images_per_step + index``.
So neither the order nor the augmentation depends on the number of ranks or of loading processes,
and a run resumes from its iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Independent streams of random numbers under one seed.
_ORDER, _SAMPLE = 0, 1


class SampleSeeds(NamedTuple):
    """Seeds of what is random about one position, each below 2^63."""

    views: int
    local_crops: int


def sample_seeds(seed: int, position: int) -> SampleSeeds:
    """Return the seeds of the views and of the local crops at a position."""
    words = np.random.SeedSequence([_SAMPLE, seed, position]).generate_state(2, np.uint64)
    return SampleSeeds(*(int(word >> np.uint64(1)) for word in words))


def rank_positions(iteration: int, images_per_step: int, rank: int, world_size: int) -> range:
    """Return the positions that one rank trains on in one iteration.

    Raises:
        ValueError: the images of a step cannot be shared evenly, or there is no such rank.
    """
    if images_per_step % world_size:
        raise ValueError(
            f"data.images_per_step {images_per_step} cannot be shared by {world_size} workers; "
            f"choose a multiple of {world_size}, or workers that divide {images_per_step}"
        )
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} is outside 0..{world_size - 1}")
    share = images_per_step // world_size
    start = iteration * images_per_step + rank * share
    return range(start, start + share)


class ShuffledOrder:
    """An endless order of rows in which every epoch holds every row once.

    Row groups are permuted; the rows are then permuted within windows of consecutive groups, so
    that a set larger than the memory is read group by group. A window of all groups is a full
    permutation.
    """

    def __init__(self, group_sizes: Sequence[int], *, window: int, seed: int) -> None:
        self._group_sizes = tuple(group_sizes)
        self._window = window
        self._seed = seed
        self._rows = sum(group_sizes)
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def sample_at(self, position: int) -> int:
        """Return the row at a position of the run."""
        epoch, place = divmod(position, self._rows)
        if epoch not in self._epochs:
            order = epoch_order(self._group_sizes, self._window, (self._seed, epoch))
            # Two are kept: a step may reach across the end of an epoch.
            self._epochs = dict(list(self._epochs.items())[-1:]) | {epoch: order}
        return int(self._epochs[epoch][place])


def epoch_order(group_sizes: Sequence[int], window: int, key: tuple[int, int]) -> NDArray[np.int64]:
    """Return all rows in the order of one epoch.

    Args:
        group_sizes: rows of each row group.
        window: row groups whose rows are mixed.
        key: seed, and number of the epoch.
    """
    random = np.random.default_rng([_ORDER, *key])
    starts = list(accumulate(group_sizes, initial=0))
    groups = random.permutation(len(group_sizes)).tolist()
    rows = [np.arange(starts[group], starts[group + 1], dtype=np.int64) for group in groups]
    windows = [
        np.concatenate(rows[start : start + window]) for start in range(0, len(rows), window)
    ]
    return np.concatenate([random.permutation(members) for members in windows])
