"""The evaluation worker: one process with one network loaded at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from platform.workers.requests import PartT, Request
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.settings import Recipe
from toco_core.trained_network import TrainedNetwork, load_trained


@dataclass(frozen=True)
class _Loaded:
    path: str
    official: Recipe | None
    network: TrainedNetwork


class ScoringWorker:
    """Runs networks over chunks of a split; keeps the last one, and the opened splits."""

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        self._threads = threads
        self._device = torch.device(device)
        self._loaded: _Loaded | None = None
        self._splits: dict[tuple[str, str], ParquetSplit] = {}

    def chunks(self, request: Request[Any, Any]) -> list[range]:
        """Return the chunks of a request."""
        return request.chunks(len(self._split(request)))

    def run_chunk(self, request: Request[PartT, Any], indices: range) -> PartT:
        """Do what is asked for with some images of the request's split.

        Raises:
            ValueError: the checkpoint or the data cannot be read; one line that names it.
            FloatingPointError: the checkpoint gives numbers that are not finite.
        """
        split = self._split(request)
        network = self._load(request, split)
        with _threads(self._threads):
            return request.run_chunk(network, split, indices)

    def _load(self, request: Request[Any, Any], split: ParquetSplit) -> TrainedNetwork:
        loaded, wanted = self._loaded, (request.checkpoint, request.official)
        if loaded is None or (loaded.path, loaded.official) != wanted:
            network = load_trained(request.checkpoint, split.info.num_classes, request.official)
            network.model.to(self._device)
            self._loaded = loaded = _Loaded(*wanted, network)
        return loaded.network

    def _split(self, request: Request[Any, Any]) -> ParquetSplit:
        key = request.dataset, request.split
        if key not in self._splits:
            self._splits[key] = open_dataset(request.dataset).split(request.split)
        return self._splits[key]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with so many threads: the same rounding wherever a chunk is scored.

    One thread is also what several workers on a machine should take. Where training goes on in the
    same process, it gets its own back.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
