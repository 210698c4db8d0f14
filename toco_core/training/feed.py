"""The batches of a run on its device: a GPU prepares each while the one before trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from toco_core.data.batch import CutBatch, TrainBatch
from toco_core.losses.lattice_corners import SortedCorners

Corners = Callable[[Tensor], SortedCorners]
Batches = Iterator[TrainBatch] | Iterator[CutBatch]  # as they are loaded


class Fed(NamedTuple):
    """A batch on its device, and what the dense energy can make of its images alone."""

    batch: TrainBatch
    corners: SortedCorners | None = None  # of its lattice
    lattice_size: int = 0  # lattice points that there are

    def clone(self) -> Fed:
        """Return the same in tensors of its own."""
        corners = self.corners and self.corners.changed(Tensor.clone)
        return Fed(self.batch.changed(Tensor.clone), corners, self.lattice_size)

    def copy_(self, other: Fed) -> None:
        """Write another one of the same shapes into the tensors of this one."""
        targets, sources = list(self.tensors()), list(other.tensors())
        for target, source in zip(targets, sources, strict=True):
            target.copy_(source, non_blocking=True)

    def tensors(self) -> Iterator[Tensor]:
        """Iterate over all tensors."""
        for part in (self.batch, self.corners or ()):
            yield from (value for value in part if isinstance(value, Tensor))


class Feed(Protocol):
    """Hands out batches."""

    def take(self) -> Fed:
        """Return the next batch."""
        ...

    def fetch(self) -> None:
        """Prepare the batch after it, as far as that can be done meanwhile."""
        ...


class PlainFeed:
    """Loads a batch when it is asked for.

    Args:
        batches: as they are loaded.
        device: that they are moved to.
    """

    def __init__(self, batches: Batches, device: torch.device) -> None:
        self._batches, self._device = batches, device

    def take(self) -> Fed:
        """Return the next batch."""
        return Fed(next(self._batches).to(self._device))

    def fetch(self) -> None:
        """Do nothing."""


class GpuFeed:
    """Copies and prepares the next batch on a stream of its own, while the device trains.

    Args:
        batches: as they are loaded, in pinned memory if they shall be copied meanwhile.
        device: a GPU.
        corners: of the energy's lattice; None where no loss needs it.
    """

    def __init__(
        self,
        batches: Batches,
        device: torch.device,
        corners: Corners | None,
    ) -> None:
        self._batches, self._device, self._corners = batches, device, corners
        self._stream = torch.cuda.Stream(device)
        self._next: _Prepared | None = None

    def take(self) -> Fed:
        """Return the next batch; the device waits until it is prepared, the host need not."""
        if self._next is None:
            self.fetch()
        prepared, self._next = self._next, None
        assert prepared is not None
        current = torch.cuda.current_stream(self._device)
        current.wait_stream(self._stream)
        fed = prepared.fed()
        for tensor in fed.tensors():
            tensor.record_stream(current)  # it was allocated on the other one
        return fed

    def fetch(self) -> None:
        """Load the next batch, and let the device copy and prepare it; nothing at the end."""
        batch = next(self._batches, None)
        if batch is None:
            return
        with torch.cuda.stream(self._stream):
            moved = batch.to(self._device)
            corners = None if self._corners is None else self._corners(moved.images)
            self._next = _Prepared.now(moved, corners, self._stream, batch)


class _Prepared(NamedTuple):
    batch: TrainBatch
    corners: SortedCorners | None
    size: Tensor | None  # (1,) int32, in pinned memory, once `is_known`
    is_known: torch.cuda.Event
    loaded: TrainBatch | CutBatch  # what is copied from must live until it is copied

    @classmethod
    def now(
        cls,
        batch: TrainBatch,
        corners: SortedCorners | None,
        stream: torch.cuda.Stream,
        loaded: TrainBatch | CutBatch,
    ) -> _Prepared:
        size = None
        if corners is not None:
            size = torch.empty(1, dtype=torch.int32, pin_memory=True)
            size.copy_(corners.size, non_blocking=True)
        is_known = torch.cuda.Event()
        is_known.record(stream)
        return cls(batch, corners, size, is_known, loaded)

    def fed(self) -> Fed:
        if self.size is None:
            return Fed(self.batch)
        self.is_known.synchronize()  # long since: it was prepared during the step before
        return Fed(self.batch, self.corners, int(self.size))
