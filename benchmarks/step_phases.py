"""Where the time of a training step goes, phase by phase, on both schedules."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.literal_step import fuse_attention, literal_refined_labels
from benchmarks.made_up_step import MadeUpStep
from toco_core.cam import multi_scale_cam
from toco_core.refine import refine_labels

Action = Callable[[], object]
REPEATS = 3


def measure_phases(made: MadeUpStep) -> list[tuple[str, float, float]]:
    """Time the phases in alternation: name, ours, literal; medians, s."""
    return [(name, *_pair(made, ours, literal)) for name, ours, literal in _phases(made)]


def _phases(made: MadeUpStep) -> list[tuple[str, Action, Action]]:
    model, batch, recipe = made.model, made.batch, made.losses.recipe
    views = torch.cat([batch.images, batch.global_view])
    crops = made.crops.crops.flatten(0, 1)
    with torch.no_grad():
        raw = model.raw_cams(batch.images)
        cam, _ = multi_scale_cam(model, batch.images, recipe.cam.scales, raw=raw)

    def ours_encodings() -> None:
        _learn(made, [batch.images, batch.global_view, crops])

    def literal_encodings() -> None:
        _learn(made, [batch.images, views, crops])
        with torch.no_grad():
            model.encoder(views)

    def ours_refinement() -> None:
        low, high = recipe.thresholds.low, recipe.thresholds.high
        images = batch.images.sigmoid()
        refiner = made.losses.supervisor.refiner
        refine_labels(refiner, images, cam, batch.class_labels, low, high, batch.boxes)

    return [
        ("views and crops, both ways", ours_encodings, literal_encodings),
        (
            "multi-scale CAM",
            lambda: multi_scale_cam(model, batch.images, recipe.cam.scales, raw=raw),
            lambda: multi_scale_cam(model, batch.images, recipe.cam.scales),
        ),
        (
            "refined labels (PAR)",
            ours_refinement,
            lambda: literal_refined_labels(recipe, batch, cam),
        ),
    ]


def _learn(made: MadeUpStep, inputs: list[torch.Tensor]) -> None:
    encoded = [made.model.encoder(images) for images in inputs]
    torch.stack([one.tokens.sum() + one.class_token.sum() for one in encoded]).sum().backward()


def _pair(made: MadeUpStep, ours: Action, literal: Action) -> tuple[float, float]:
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(REPEATS):
        for fused, action in ((True, ours), (False, literal)):
            fuse_attention(made.model, fused)
            start = time.perf_counter()
            action()
            seconds[fused].append(time.perf_counter() - start)
    return statistics.median(seconds[True]), statistics.median(seconds[False])
