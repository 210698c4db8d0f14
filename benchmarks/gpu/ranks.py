"""What averaging gradients costs beside one rank alone: DDP built for a stage, or searching."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.gpu.clock import time_calls
from benchmarks.gpu.figures import Figures
from benchmarks.gpu.made import fed, on_device, set_compute, tf32
from benchmarks.gpu.steps import VIT_B
from benchmarks.made_up_step import MadeUpStep
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.terms.class_contrast import local_crops
from toco_core.training.distribution import Distribution


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it, in a group of one rank: nothing is sent, everything else is done."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    with TemporaryDirectory() as folder:
        store = f"file://{Path(folder, 'store')}"
        torch.distributed.init_process_group(backend, init_method=store, rank=0, world_size=1)
        with figures.within("ranks", 600 if tiny else 60):
            _measure(figures, device, tiny=tiny)
        torch.distributed.destroy_process_group()


def _measure(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    tf32(True)
    made = on_device(*(("partscenes_vit", 96, 2) if tiny else (VIT_B, 448, 4)), device)
    set_compute(made, precision="float32" if tiny else "bfloat16")
    for way, wrap in WAYS.items():
        took = time_calls(_stepper(made, wrap(made)), device)
        figures.add("ranks", way=way, images=len(made.batch.names), **took)


def _alone(made: MadeUpStep) -> nn.Module:
    return made.losses


def _for_the_stage(made: MadeUpStep) -> nn.Module:
    distribution = Distribution(made.losses)
    distribution._wrap(frozenset())  # which one rank alone would leave out
    return distribution.at(0)


def _searching(made: MadeUpStep) -> nn.Module:
    return DistributedDataParallel(
        made.losses, find_unused_parameters=True, broadcast_buffers=False
    )


WAYS: dict[str, Callable[[MadeUpStep], nn.Module]] = {
    "one rank alone": _alone,
    "DDP, built for the stage": _for_the_stage,
    "DDP, searching each step": _searching,
}


def _stepper(made: MadeUpStep, wrapped: nn.Module) -> Callable[[], None]:
    prepared = fed(made)
    assert prepared.corners is not None
    lattice = PermutohedralLattice(prepared.corners, prepared.lattice_size)

    def step() -> None:
        made.optimiser.zero_grad()
        known = {local_crops: made.crops}
        wrapped(made.batch, 0, known, None, lattice)["total"].backward()
        made.optimiser.step()

    return step
