"""The evaluation worker: one process with one checkpoint loaded at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from platform.scoring.answer import Scored
from platform.scoring.pictures import draw_cam
from platform.scoring.request import ScoreRequest
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.model import ToCo
from toco_core.scoring import score_chunk
from toco_core.settings import Recipe


@dataclass(frozen=True)
class _Loaded:
    path: str
    recipe: Recipe
    model: ToCo


class ScoringWorker:
    """Scores chunks of images; keeps the last checkpoint and the opened splits."""

    def __init__(self, device: str = "cpu", threads: int = 1) -> None:
        self._threads = threads
        self._device = torch.device(device)
        self._loaded: _Loaded | None = None
        self._splits: dict[tuple[str, str], ParquetSplit] = {}

    def count(self, request: ScoreRequest) -> int:
        """Return how many images a request is about."""
        images = len(self._split(request))
        return min(request.images or images, images)

    def score(self, request: ScoreRequest, indices: range) -> Scored:
        """Score some images of the request's split.

        Raises:
            ValueError: the checkpoint or the data cannot be read; one line that names it.
            FloatingPointError: the checkpoint gives CAMs that are not finite.
        """
        loaded, split = self._load(request.checkpoint), self._split(request)
        with _threads(self._threads):
            chunk = score_chunk(
                loaded.model,
                loaded.recipe,
                split,
                indices,
                purpose=request.purpose,
                keep=request.pictures,
            )
        pictures = [draw_cam(scored, split.info) for scored in chunk.kept]
        return Scored(replace(chunk, kept=()), pictures)

    def _load(self, path: str) -> _Loaded:
        if self._loaded is None or self._loaded.path != path:
            checkpoint = load_checkpoint(path)
            model = checkpoint.build_model().to(self._device).eval()
            self._loaded = _Loaded(path, checkpoint.recipe, model)
        return self._loaded

    def _split(self, request: ScoreRequest) -> ParquetSplit:
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
