"""Images that a score takes a second: multi-scale CAMs, counted at every background threshold."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu.clock import synchronise
from benchmarks.gpu.figures import Figures
from benchmarks.gpu.steps import VIT_B
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.model.toco import build_model
from toco_core.scoring.cam import score_chunk
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides

CHUNK = 16  # images that a worker scores at once


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    images = CHUNK if tiny else 8 * CHUNK
    with TemporaryDirectory() as folder:
        write_partscenes(Path(folder), PartScenes(splits={"train": 4, "tune": images, "report": 4}))
        split = open_dataset(folder).split("tune")
        for precision in ("auto", "float32"):
            with figures.within(f"scoring {precision}", 60):
                _score(figures, device, split, precision, tiny=tiny)


def _score(
    figures: Figures, device: torch.device, split: ParquetSplit, precision: str, *, tiny: bool
) -> None:
    settings = {"backbone.weights": "random", "compute.precision": precision}
    small = {"backbone.name": "partscenes_vit", "data.crop_size": 96, "ctc.local_size": 32}
    settings |= small if tiny else {"backbone.name": VIT_B}
    recipe = apply_overrides(Recipe(), settings)
    model = build_model(recipe, len(split.info.class_names)).to(device).eval()
    rows = range(len(split))
    chunks = [rows[first : first + CHUNK] for first in range(0, len(split), CHUNK)]
    score_chunk(
        model, recipe, split, chunks[0], purpose="benchmark"
    )  # libraries choose their kernels
    synchronise(device)
    began = time.perf_counter()
    for chunk in chunks:
        score_chunk(model, recipe, split, chunk, purpose="benchmark")
    synchronise(device)
    speed = len(split) / (time.perf_counter() - began)
    figures.add("scoring", precision=precision, images=len(split), images_s=speed)
