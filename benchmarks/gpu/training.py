"""Whole training, from files: what the loaders give, and what a user gets."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu.figures import Figures
from benchmarks.reader import write_both
from toco_core.data.loader import TrainLoader
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides
from toco_core.trainer import Trainer


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    with TemporaryDirectory() as folder:
        write_both(Path(folder), 8 if tiny else 64)
        data = open_dataset(Path(folder) / "parquet")
        for loaders in (0, 2) if tiny else (1, 4, 8, 15):
            for cut in (True, False):
                with figures.within(f"loader {loaders}", 25):
                    _loader(figures, data, loaders, cut=cut, seconds=1.0 if tiny else 1.5)
        cases = [(2, 0)] if tiny else [(4, 8), (4, 4), (16, 12)]
        for images, loaders in cases:
            with figures.within(f"training {images} {loaders}", 45):
                _training(figures, data, device, images, loaders, tiny=tiny)


def _loader(
    figures: Figures, data: ParquetDataset, loaders: int, *, cut: bool, seconds: float
) -> None:
    """Count the images, in three views each, that loading processes give in a second."""
    recipe = apply_overrides(Recipe(), {"data.images_per_step": 4})
    torch.set_num_threads(1)
    loader = TrainLoader(data.split("train"), recipe, num_workers=loaders)
    stream = loader.cut_batches() if cut else loader.batches()
    for _ in range(2 * max(loaders, 1)):
        next(stream)
    began, seen = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        next(stream)
        seen += 4
    speed = seen / (time.perf_counter() - began)
    figures.add("loader", loaders=loaders, coloured=not cut, images_s=speed, cpus=os.cpu_count())


def _training(
    figures: Figures,
    data: ParquetDataset,
    device: torch.device,
    images: int,
    loaders: int,
    *,
    tiny: bool,
) -> None:
    """Time training steps of the VOC recipe, all losses in force, with loading and optimiser."""
    small = {"backbone.name": "partscenes_vit", "data.crop_size": 96, "ctc.local_size": 32}
    recipe = apply_overrides(
        Recipe(),
        {
            "backbone.weights": "random",
            "data.images_per_step": images,
            "stages.segmentation": 0,
            "optimiser.warmup": 1,
            **(small if tiny else {}),
        },
    )
    trainer = Trainer(recipe, data, device=device, num_workers=loaders)
    steps = (2, 3) if tiny else (12, 100) if loaders else (8, 10)
    for _ in range(steps[0]):
        trainer.step()
    seconds = []
    for _ in range(steps[1]):
        began = time.perf_counter()
        trainer.advance()
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    trainer.settle()  # of the last step, which the host has only asked for
    seconds[-1] += time.perf_counter() - began
    mean = sum(seconds) / len(seconds)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    figures.add(
        "training",
        images=images,
        loaders=loaders,
        precision=trainer.precision,
        ms=1e3 * mean,
        median_ms=1e3 * statistics.median(seconds),
        longest_ms=1e3 * max(seconds),
        images_s=images / mean,
        MiB=peak,
    )
