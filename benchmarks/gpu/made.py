"""The made-up step on a device, in the three schedules and every way of computing ours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.floor import ATTENTION_ON_CPU
from benchmarks.literal_step import literal_losses
from benchmarks.made_up_step import MadeUpStep, make_step
from benchmarks.obvious_step import obvious_losses
from benchmarks.schedules import switch
from toco_core.cam.local_crops import LocalCrops
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.parallel.precision import autocast
from toco_core.settings.overrides import apply_overrides
from toco_core.terms.class_contrast import local_crops
from toco_core.trainer import build_optimisation
from toco_core.training.feed import Fed
from toco_core.training.recording import RecordedLosses

Losses = dict[str, Tensor]


def on_device(backbone: str, size: int, images: int, device: torch.device) -> MadeUpStep:
    """Build the step of the VOC recipe on a device."""
    torch.manual_seed(0)
    made = make_step(backbone, size, images)
    model, losses = made.model.to(device), made.losses.to(device)
    model.encoder.recomputation.enabled, losses.views_together = False, True  # as on every GPU
    crops = LocalCrops(made.crops.crops.to(device), made.crops.is_positive.to(device))
    return dataclasses.replace(
        made,
        model=model,
        losses=losses,
        batch=made.batch.to(device),
        crops=crops,
        optimiser=build_optimisation(model, losses.recipe)[0],
    )


def set_compute(made: MadeUpStep, **settings: object) -> None:
    """Change settings of `compute` of the step's recipe."""
    changes = {f"compute.{name}": value for name, value in settings.items()}
    made.losses.recipe = apply_overrides(made.losses.recipe, changes)


def tf32(on: bool) -> None:
    """Let float32 products be TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


def fed(made: MadeUpStep) -> Fed:
    """Prepare the batch as the feed does; the host waits for the size of the lattice."""
    assert made.losses.corners is not None
    corners = made.losses.corners(made.batch.images)
    return Fed(made.batch, corners, int(corners.size))


def compute_losses(made: MadeUpStep, way: str, lattice: PermutohedralLattice | None) -> Losses:
    """Compute the losses of a schedule: ours, literal or obvious."""
    switch(made.model, fused=way != "literal", lean=False)
    if way == "ours":
        return made.losses(made.batch, 0, {local_crops: made.crops}, lattice=lattice)
    losses = literal_losses if way == "literal" else obvious_losses
    precision = made.losses.recipe.compute.precision
    assert precision != "auto", "the other schedules know no device"
    with autocast(precision, made.batch.images.device):  # the whole of it, as people do
        return losses(made.losses, made.batch, made.crops)


def stepper(made: MadeUpStep, way: str) -> Callable[[], None]:
    """Return one training step without reading a loss: ours, recorded, literal or obvious."""
    compute = _recorded(made) if way == "recorded" else _plain(made, way)

    def step() -> None:
        made.optimiser.zero_grad()
        compute()
        made.optimiser.step()

    return step


def _plain(made: MadeUpStep, way: str) -> Callable[[], None]:
    size = fed(made).lattice_size

    def compute() -> None:
        lattice = None
        if way == "ours":  # the feed makes the corners on another stream; here it is part of it
            assert made.losses.corners is not None
            lattice = PermutohedralLattice(made.losses.corners(made.batch.images), size)
        compute_losses(made, way, lattice)["total"].backward()

    return compute


def _recorded(made: MadeUpStep) -> Callable[[], None]:
    switch(made.model, fused=True, lean=False)
    recorded = RecordedLosses(made.losses, made.batch.images.device)
    prepared = fed(made)

    def compute() -> None:
        assert made.losses.corners is not None
        corners = made.losses.corners(made.batch.images)
        recorded(prepared._replace(corners=corners), 0)

    return compute


def count_flops(made: MadeUpStep) -> float:
    """Count the products of our step, in FLOP, by running it once under a counter."""
    lattice = None
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
        compute_losses(made, "ours", lattice)["total"].backward()
    made.optimiser.zero_grad()
    return float(counter.get_total_flops())
