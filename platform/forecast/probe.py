"""Measures a recipe on its device: some steps with every term in force, and one scored chunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import active_children
from statistics import mean

import torch

from platform.cluster.gpu_memory import release, ways_to_less
from platform.forecast.process_memory import own_bytes, own_peak_of_this, peak_of_this
from toco_core.cost import RUNTIME_BYTES
from toco_core.data.reader import ParquetDataset
from toco_core.scoring.cam import score_chunk
from toco_core.scoring.cam_score import CHUNK_IMAGES
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides, parse_override
from toco_core.trainer import Trainer

PURPOSE = "preflight"  # of the masks of one chunk, as the ledger shows it
# The first steps of a GPU choose algorithms, and record its CUDA graphs.
_WARM_UP = {"cpu": 1, "cuda": 6}
_MEASURED = {"cpu": 2, "cuda": 6}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a recipe took.

    Attributes:
        step_seconds: of a step, once the first ones are done.
        image_seconds: of a scored image; None where nothing is scored.
        memory: bytes at the peak; on a CPU those of the process.
        available: bytes of the GPU; None on a CPU.
        process: bytes of the host that this process held at its peak, before anything was scored.
        loader: bytes of the host that a loading process has of its own; None without any.
    """

    step_seconds: float
    image_seconds: float | None
    memory: float
    available: float | None
    process: float | None = None
    loader: float | None = None


def measure(
    recipe: Recipe, dataset: ParquetDataset, split: str | None, device: str, loaders: int
) -> Measured:
    """Train some steps of a recipe and score a chunk.

    Raises:
        torch.OutOfMemoryError: the GPU is too small for it.
    """
    warm_up, measured = _WARM_UP[device], _MEASURED[device]
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    trainer = Trainer(
        _all_terms_in_force(recipe, warm_up + measured),
        dataset,
        device=device,
        num_workers=loaders,
    )
    for _ in range(warm_up):
        trainer.step()
    step_seconds = _step_seconds(trainer, measured)
    process, loader = own_peak_of_this(), _bytes_of_a_loader()
    image_seconds = None if split is None else _scoring_seconds(trainer, dataset, split)
    return Measured(
        step_seconds=step_seconds,
        image_seconds=image_seconds,
        memory=_peak(device),
        available=float(torch.cuda.mem_get_info()[1]) if device == "cuda" else None,
        process=process,
        loader=loader,
    )


def first_that_fits(
    recipe: Recipe, attempt: Callable[[Recipe], Measured]
) -> tuple[list[str], Measured] | None:
    """Try a recipe, then smaller and smaller steps of it, until one fits.

    Args:
        recipe: of one worker: its images a step are those of the worker.
        attempt: measures a recipe, or runs out of memory.

    Returns:
        The settings that had to be changed, and what was measured with them; None if nothing fits.
    """
    changes: dict[str, str] = {}
    while True:
        try:
            return [f"{key}={value}" for key, value in changes.items()], attempt(recipe)
        except torch.OutOfMemoryError as error:
            release(error)
        ways = ways_to_less(recipe)
        if not ways:
            return None
        key, _, text = ways[0].partition("=")
        changes[key] = text
        recipe = apply_overrides(recipe, dict([parse_override(ways[0])]))


def _all_terms_in_force(recipe: Recipe, least: int) -> Recipe:
    stages = {"stages.contrast": 0, "stages.segmentation": 0, "stages.final_cam": 0}
    stages["optimiser.freeze"] = 0
    return apply_overrides(recipe, {**stages, "iterations": max(recipe.iterations, least)})


def _step_seconds(trainer: Trainer, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):  # as in training, where a GPU is asked for the next one meanwhile
        trainer.advance()
    trainer.settle()
    return (time.perf_counter() - start) / steps


def _seconds(action: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):  # a chunk waits for its counts
        action()
    return (time.perf_counter() - start) / times


def _scoring_seconds(trainer: Trainer, dataset: ParquetDataset, name: str) -> float:
    split, model = dataset.split(name), trainer.model.eval()
    indices = range(min(CHUNK_IMAGES, len(split)))

    def score() -> object:
        return score_chunk(model, trainer.recipe, split, indices, purpose=PURPOSE)

    if trainer.device.type == "cuda":
        score()  # which chooses algorithms
    return _seconds(score, 1) / len(indices)


def _bytes_of_a_loader() -> float | None:
    """Return the mean of the loading processes, which are this process's only children."""
    bytes_of_each = [own_bytes(process.pid) for process in active_children() if process.pid]
    return mean(bytes_of_each) if bytes_of_each else None


def _peak(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_reserved() + RUNTIME_BYTES  # which PyTorch does not count
    return peak_of_this()
