"""The evaluation worker: one process with one network loaded at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from platform.workers.options import chunks_at_once
from platform.workers.requests import PartT, Request
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.parallel.precision import allow_tf32
from toco_core.remote_path import PATIENCE_SECONDS, place
from toco_core.settings import Recipe
from toco_core.trained_network import TrainedNetwork, load_trained


@dataclass(frozen=True)
class _Loaded:
    path: str
    official: Recipe | None
    network: TrainedNetwork


class ScoringWorker:
    """Runs networks over chunks of a split; keeps the last one, and the opened splits.

    On a GPU it may be called from several threads (`chunks_at_once`): each decodes the images of
    its chunk by itself, and they take turns on the device.
    """

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        self._device = torch.device(device)
        self.chunks_at_once = chunks_at_once(device)
        # On a GPU there is next to nothing to compute on the CPU, and other threads are at it.
        self._threads = threads if self._device.type == "cpu" else None
        self._loaded: _Loaded | None = None
        self._loading, self._turn = threading.Lock(), threading.Lock()
        self._opened = threading.local()  # a reader's cache and ledger are of one thread

    def chunks(self, request: Request[Any, Any]) -> list[range]:
        """Return the chunks of a request."""
        return request.chunks(len(self._split(request)))

    def run_chunk(self, request: Request[PartT, Any], indices: range) -> PartT:
        """Do what is asked for with some images of the request's split.

        Raises:
            ValueError: the checkpoint or the data cannot be read; one line that names it.
            FloatingPointError: the checkpoint gives numbers that are not finite.
            MemoryError: the GPU's memory ran out.
        """
        split = self._split(request)
        with self._loading:
            network = self._load(request, split)
        try:
            with _threads(self._threads) if self._threads else nullcontext():
                return request.run_chunk(network, split, indices, self._turn)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        raise MemoryError(
            f"the GPU's memory ran out while {len(indices)} images were evaluated: leave the "
            "evaluation workers more of it, such as a whole one (--scorer-gpus 1, or --gpus 1)"
        )

    def _load(self, request: Request[Any, Any], split: ParquetSplit) -> TrainedNetwork:
        loaded, wanted = self._loaded, (request.checkpoint, request.official)
        if loaded is None or (loaded.path, loaded.official) != wanted:
            checkpoint = place(request.checkpoint, PATIENCE_SECONDS)
            network = load_trained(checkpoint, split.info.num_classes, request.official)
            network.model.to(self._device)
            allow_tf32(self._device, network.recipe)
            self._loaded = loaded = _Loaded(*wanted, network)
        return loaded.network

    def _split(self, request: Request[Any, Any]) -> ParquetSplit:
        key = request.dataset, request.split
        splits: dict[Any, ParquetSplit] = self._opened.__dict__
        if key not in splits:
            splits[key] = open_dataset(request.dataset).split(request.split)
        return splits[key]


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
