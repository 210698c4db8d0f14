"""Which kernels a step of ours consists of."""

from __future__ import annotations

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.clock import synchronise
from benchmarks.gpu.figures import Figures
from benchmarks.gpu.made import on_device, set_compute, stepper, tf32
from benchmarks.gpu.steps import VIT_B


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    tf32(True)
    for images in (2,) if tiny else (4, 16):
        with figures.within(f"profile {images}", 40):
            _profile(figures, device, images, tiny=tiny)


def _profile(figures: Figures, device: torch.device, images: int, *, tiny: bool) -> None:
    backbone, size = ("partscenes_vit", 96) if tiny else (VIT_B, 448)
    made = on_device(backbone, size, images, device)
    set_compute(made, precision="float32" if device.type == "cpu" else "bfloat16")
    step = stepper(made, "ours")
    for _ in range(2):
        step()
    synchronise(device)
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as recorded:
        step()
        synchronise(device)
    kernels = [e for e in recorded.key_averages() if str(e.device_type).endswith("CUDA")]
    kernels.sort(key=lambda event: -event.self_device_time_total)
    busy = sum(event.self_device_time_total for event in kernels) / 1e3
    launched = sum(event.count for event in kernels)
    figures.add("kernels", images=images, launched=launched, busy_ms=busy)
    for event in kernels[:45]:
        milliseconds = event.self_device_time_total / 1e3
        figures.add(
            "kernel", images=images, ms=milliseconds, count=event.count, name=event.key[:120]
        )
