"""Where the time of a training step goes, phase by phase, on both schedules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.literal_step import fuse_attention, literal_refined_labels
from benchmarks.made_up_step import MadeUpStep
from benchmarks.timing import Times, alternate
from toco_core.cam import multi_scale_cam
from toco_core.present import present_classes
from toco_core.refine import refine_labels

Action = Callable[[], object]
REPEATS = 3
WAYS = ("ours", "literal")


def measure_phases(made: MadeUpStep) -> dict[str, tuple[Times, Times]]:
    """Time the phases in alternation: ours and the literal one of each."""
    measured: dict[str, tuple[Times, Times]] = {}
    for name, *pair in _phases(made):
        ways = {way: partial(_run, made, one, way) for way, one in zip(WAYS, pair, strict=True)}
        times = alternate(ways, REPEATS, warmup=1)
        measured[name] = (times["ours"], times["literal"])
    return measured


def _run(made: MadeUpStep, action: Action, way: str) -> None:
    fuse_attention(made.model, fused=way == "ours")
    action()


def _phases(made: MadeUpStep) -> list[tuple[str, Action, Action]]:
    model, batch, recipe = made.model, made.batch, made.losses.recipe
    views = torch.cat([batch.images, batch.global_view])
    crops = made.crops.crops.flatten(0, 1)
    present = present_classes(batch.class_labels, batch.most_classes)
    with torch.no_grad():
        raw = model.raw_cams(batch.images)
        cam, _ = multi_scale_cam(model, batch.images, recipe.cam.scales, raw=raw)

    def ours_encodings() -> None:
        encoder = model.encoder
        whole = encoder(batch.images)
        alone = [encoder.class_token(batch.global_view), encoder.class_token(crops)]
        _learn([whole.tokens, whole.class_token, *alone])

    def literal_encodings() -> None:
        encoded = [model.encoder(images) for images in (batch.images, views, crops)]
        _learn([encoded[0].tokens, *(one.class_token for one in encoded)])
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
            lambda: multi_scale_cam(
                model, batch.images, recipe.cam.scales, raw=raw, present=present
            ),
            lambda: multi_scale_cam(model, batch.images, recipe.cam.scales),
        ),
        (
            "refined labels (PAR)",
            ours_refinement,
            lambda: literal_refined_labels(recipe, batch, cam),
        ),
    ]


def _learn(outputs: list[torch.Tensor]) -> None:
    torch.stack([output.sum() for output in outputs]).sum().backward()
