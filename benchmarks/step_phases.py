"""Where the time of a training step goes, phase by phase, on both schedules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.literal_step import literal_refined_labels, literal_segmentation
from benchmarks.made_up_step import MadeUpStep
from benchmarks.schedules import switch
from benchmarks.timing import Times, alternate
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.present_classes import present_classes
from toco_core.cam.refine import refine_labels
from toco_core.data.batch import TrainBatch
from toco_core.model.toco import ToCoOutput
from toco_core.step import Part, ToCoLosses
from toco_core.terms.objective import count, split_by_decoder
from toco_core.terms.refined_labels import refined_labels
from toco_core.terms.targets import Targets

Action = Callable[[], object]
REPEATS = 3
WAYS = ("ours", "literal")


def measure_phases(made: MadeUpStep) -> dict[str, dict[str, Times]]:
    """Time the phases in alternation: ours and the literal one of each."""
    return {name: alternate(ways, REPEATS, warmup=1) for name, ways in phases(made).items()}


def phases(made: MadeUpStep) -> dict[str, dict[str, Action]]:
    """Return each phase, ours and the literal one."""
    return {
        name: {way: partial(_run, made, one, way) for way, one in zip(WAYS, pair, strict=True)}
        for name, *pair in _pairs(made)
    }


def _run(made: MadeUpStep, action: Action, way: str) -> None:
    switch(made.model, fused=way == "ours", lean=way == "ours")
    made.optimiser.zero_grad()
    action()


def _pairs(made: MadeUpStep) -> list[tuple[str, Action, Action]]:
    model, batch, recipe = made.model, made.batch, made.losses.recipe
    views = torch.cat([batch.images, batch.global_view])
    crops = made.crops.crops.flatten(0, 1)
    present = present_classes(batch.class_labels, batch.most_classes)
    with torch.no_grad():
        raw = model.raw_cams(batch.images)
        cam, _ = multi_scale_cam(model, batch.images, recipe.cam.scales, raw=raw)
        output = model(batch.images)
    labels = literal_refined_labels(recipe, batch, cam)

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
        refiner = made.losses.refiner
        refine_labels(refiner, images, cam, batch.class_labels, low, high, batch.boxes)

    def segmentation_losses(way: Callable[..., dict[str, Tensor]]) -> None:
        assert output.seg is not None
        logits = output.seg.clone().requires_grad_()
        torch.stack(list(way(made.losses, batch, logits, labels).values())).sum().backward()

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
        (
            "losses of the segmentation",
            partial(segmentation_losses, partial(ours_segmentation, output)),
            partial(segmentation_losses, literal_segmentation),
        ),
    ]


def ours_segmentation(
    output: ToCoOutput, losses: ToCoLosses, batch: TrainBatch, seg: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    terms, _ = split_by_decoder(losses.objective.terms)
    targets = Targets({refined_labels: labels})
    part = Part(targets, count(terms, targets), is_first=True)
    return losses.compute(terms, batch, output._replace(seg=seg), part)


def _learn(outputs: list[Tensor]) -> None:
    torch.stack([output.sum() for output in outputs]).sum().backward()
