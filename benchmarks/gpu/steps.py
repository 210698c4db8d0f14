"""Time of a training step: ours and the other schedules, by precision, backbone and images."""

from __future__ import annotations

from typing import NamedTuple

import torch

from benchmarks.counted_step import embedding
from benchmarks.gpu.clock import copy_rate, product_rate, time_calls
from benchmarks.gpu.figures import Figures
from benchmarks.gpu.made import count_flops, on_device, set_compute, stepper, tf32
from benchmarks.made_up_step import MadeUpStep

VIT_B, DEIT_S = "vit_base_patch16_224", "deit_small_patch16_224"


class Way(NamedTuple):
    """How a step is computed."""

    schedule: str
    precision: str
    tf32: bool
    settings: dict[str, object]


WAYS = {
    "ours": Way("recorded", "bfloat16", True, {}),
    "ours, kernel by kernel": Way("ours", "bfloat16", True, {}),
    "obvious bf16": Way("obvious", "bfloat16", True, {}),
    "literal tf32": Way("literal", "float32", True, {}),
    "literal fp32": Way("literal", "float32", False, {}),
    "ours fp32": Way("recorded", "float32", False, {}),
    "ours, blocks recomputed": Way("ours", "bfloat16", True, {"recompute_blocks": True}),
    "ours, views apart": Way("recorded", "bfloat16", True, {"views_apart": True}),
    "ours, patches convolved": Way("recorded", "bfloat16", True, {"convolution": True}),
}
EVERY, FEW = list(WAYS), ["ours", "ours, kernel by kernel", "obvious bf16"]
CASES = [(VIT_B, 4, EVERY), (VIT_B, 16, FEW), (DEIT_S, 4, FEW), (VIT_B, 8, FEW[:1])]


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    with figures.within("ceilings", 30):
        rate = _ceilings(figures, device, tiny=tiny)
    cases = [("partscenes_vit", 2, FEW[1:])] if tiny else CASES
    for backbone, images, names in cases:
        with figures.within(f"step {backbone} {images}", 75):
            made = on_device(backbone, 96 if tiny else 448, images, device)
            set_compute(made, precision="float32" if tiny else "bfloat16")
            flop = count_flops(made)
            for name in names:
                with figures.within(f"step {name}", 40):
                    took = _time(made, WAYS[name], device, tiny=tiny)
                    share = flop / (took["ms_each"] / 1e3) / rate
                    took["images_s"] = 1e3 * images / took["ms_each"]
                    named = {"backbone": backbone, "images": images, "way": name}
                    figures.add("step", **named, **took, TFLOP=flop / 1e12, of_rate=share)


def _time(made: MadeUpStep, way: Way, device: torch.device, *, tiny: bool) -> dict[str, float]:
    tf32(way.tf32)
    set_compute(made, precision="float32" if tiny else way.precision)
    made.model.encoder.recompute_blocks = bool(way.settings.get("recompute_blocks"))
    made.losses.views_together = not way.settings.get("views_apart")
    made.losses._cam_network.clear()
    with embedding(by_product=not way.settings.get("convolution")):
        took = time_calls(stepper(made, way.schedule), device)
    made.model.encoder.recompute_blocks, made.losses.views_together = False, True
    made.optimiser.zero_grad()
    tf32(False)
    return took


def _ceilings(figures: Figures, device: torch.device, *, tiny: bool) -> float:
    side = 256 if tiny else 8192
    rate = product_rate(torch.float32 if tiny else torch.bfloat16, device, side)
    copied = copy_rate(device, 1 << (20 if tiny else 28))
    figures.add("ceilings", bf16_TFLOPs=rate / 1e12, copy_TBs=copied / 1e12)
    return rate
