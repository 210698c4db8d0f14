"""One whole training for the table, scored as a trial of a search is."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from platform.train.loss_means import Means
from platform.train.plan import score_points
from toco_core.data.reader import ParquetDataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.scoring.cam import score_chunk
from toco_core.scoring.cam_score import Score, chunks, summarise
from toco_core.settings import Recipe
from toco_core.trainer import Trainer

LOSSES = ("cls", "cls_aux", "ptc", "ctc", "seg", "energy")


@dataclass(kw_only=True)
class Training:
    """What came of a training; lists have an entry for each score.

    Attributes:
        iterations: at which it was scored.
        scores: on `tune`.
        losses: means since the score before; NaN for a loss that was not in force.
        seconds_training: since the score before, s.
        seconds_scoring: s.
        failed: why it ended early; empty where it did not.
    """

    iterations: list[int] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    losses: list[Mapping[str, float]] = field(default_factory=list)
    seconds_training: list[float] = field(default_factory=list)
    seconds_scoring: list[float] = field(default_factory=list)
    failed: str = ""


def train(recipe: Recipe, dataset: ParquetDataset) -> Training:
    """Train a recipe to its end, on one thread of the CPU."""
    torch.set_num_threads(1)
    trainer, found, means = Trainer(recipe, dataset), Training(), Means()
    points, since = {*score_points(recipe)}, time.perf_counter()
    try:
        while not trainer.finished:
            means.add(trainer.step())
            if trainer.iteration in points:
                found.seconds_training.append(time.perf_counter() - since)
                _score(trainer, dataset, found)
                taken = means.take()
                found.losses.append({name: taken.get(name, math.nan) for name in LOSSES})
                since = time.perf_counter()
    except (NonFiniteLossError, FloatingPointError) as error:
        found.failed = str(error)
    return found


def _score(trainer: Trainer, dataset: ParquetDataset, found: Training) -> None:
    since = time.perf_counter()
    split, model = dataset.split("tune"), trainer.model.eval()
    parts = [
        score_chunk(model, trainer.recipe, split, indices, purpose="benchmark")
        for indices in chunks(len(split))
    ]
    model.train()
    found.iterations.append(trainer.iteration)
    found.scores.append(summarise(parts))
    found.seconds_scoring.append(time.perf_counter() - since)
