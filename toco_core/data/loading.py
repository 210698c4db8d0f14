"""Batches by iteration, in this process or in others that load ahead."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from toco_core.data.storage import DatasetError

S = TypeVar("S")
B = TypeVar("B")


class Batches(Dataset[B | DatasetError], Generic[S, B]):
    """Batches by iteration, as loading processes make them.

    They hand a bad dataset over as it is: DataLoader would wrap the error in its own traceback.

    Args:
        samples: of an iteration.
        collate: makes the batch.
    """

    def __init__(self, samples: Callable[[int], S], collate: Callable[[S], B]) -> None:
        self._samples, self._collate = samples, collate

    def load(self, iteration: int) -> B:
        return self._collate(self._samples(iteration))

    def __getitem__(self, iteration: int) -> B | DatasetError:
        try:
            return self.load(iteration)
        except DatasetError as error:
            return error


def load_batches(
    batches: Batches[S, B], iterations: range, num_workers: int, *, is_local: bool
) -> Iterator[B]:
    """Iterate over the batches of some iterations.

    Args:
        batches: are sent to the loading processes.
        iterations: in order.
        num_workers: loading processes; 0 loads in this one. The batches are the same.
        is_local: whether the dataset is on this machine.
    """
    if num_workers == 0:
        return map(batches.load, iterations)
    return _from_processes(batches, iterations, num_workers, is_local)


def _from_processes(
    batches: Batches[S, B], iterations: range, num_workers: int, is_local: bool
) -> Iterator[B]:
    loader = DataLoader(
        batches,
        batch_size=None,  # an item is a batch
        sampler=iterations,
        num_workers=num_workers,
        collate_fn=_unchanged,
        worker_init_fn=_leave_signals_to_the_trainer,
        pin_memory=torch.cuda.is_available(),
        # Without a generator of its own it would draw from the global one, which the step uses.
        generator=torch.Generator(),
        # The client of a remote filesystem does not survive a fork.
        multiprocessing_context=None if is_local else "spawn",
    )
    for item in loader:
        if isinstance(item, DatasetError):
            raise item
        yield item


def _unchanged(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_trainer(_worker: int) -> None:
    # A terminal sends it to all its processes, and the trainer may want another batch and a
    # checkpoint before it ends. Loading processes end with it in any case.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a fork has the trainer's handlers
        signal.signal(number, signal.SIG_DFL)
