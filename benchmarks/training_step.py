"""The training step against the authors' schedule: time, memory, and the distance to the floor.

    python -m benchmarks.training_step --backbone deit_small_patch16_224 --size 448 --repeats 5

Both compute the same losses and gradients of the same network and images, in alternation, in this
process. Memory is the peak of a fresh process each, above what it takes before the first step. The
floor is the time that the matrix products of our schedule would take at the rate at which this
machine multiplies matrices of the network's sizes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)

from benchmarks.literal_step import fuse_attention, literal_losses
from benchmarks.made_up_step import MadeUpStep, make_step
from benchmarks.step_phases import measure_phases
from benchmarks.timing import alternate, machine, ratios

Shape = tuple[int, ...]
CASES = [
    ("deit_tiny_patch16_224", 224),
    ("deit_small_patch16_224", 224),
    ("deit_small_patch16_224", 448),
]


def ours(made: MadeUpStep) -> dict[str, Tensor]:
    """Make one training step as the trainer does."""
    fuse_attention(made.model, fused=True)
    made.optimiser.zero_grad()
    losses = made.losses(made.batch, 0, made.crops)
    losses["total"].backward()
    return losses


def literal(made: MadeUpStep) -> dict[str, Tensor]:
    """Make the same step on the authors' schedule."""
    fuse_attention(made.model, fused=False)
    made.optimiser.zero_grad()
    losses = literal_losses(made.losses, made.batch, made.crops)
    losses["total"].backward()
    return losses


def _attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(
    grad: Shape, query: Shape, key: Shape, value: Shape, *_: Any, **__: Any
) -> int:
    return sdpa_backward_flop_count(grad, query, key, value)


aten = torch.ops.aten
ATTENTION_ON_CPU = {  # which torch does not count by itself
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
SCHEDULES = {"ours": ours, "literal": literal}


def largest_difference(made: MadeUpStep) -> tuple[float, float]:
    """Return the largest relative differences of a loss, and of a gradient's norm of difference."""
    results = []
    for schedule in (ours, literal):
        made.reset_teacher()
        losses = schedule(made)
        gradients = [w.grad.clone() for w in made.model.parameters() if w.grad is not None]
        results.append((losses, gradients))
    (first, first_grad), (second, second_grad) = results
    loss = max(abs(first[k] - second[k]).item() / abs(second[k]).item() for k in second)
    pairs = zip(first_grad, second_grad, strict=True)
    return loss, max(((a - b).norm() / b.norm().clamp(min=1e-12)).item() for a, b in pairs)


def floor_seconds(made: MadeUpStep) -> float:
    """Return what the matrix products of our step would take at the rate measured now."""
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
        ours(made)
    tokens, width = len(made.batch.names) * made.tokens, made.model.encoder.embed_dim
    left, right = torch.randn(tokens, width), torch.randn(width, 4 * width)
    product = alternate({"product": lambda: left @ right}, repeats=40)["product"]
    rate = 2 * tokens * width * 4 * width / product.median
    return counter.get_total_flops() / rate


def peak_memory(options: argparse.Namespace, schedule: str) -> float:
    """Return the peak above idle of a fresh process that makes two steps, MB."""
    command = [sys.executable, "-m", "benchmarks.training_step", "--memory-of", schedule]
    command += ["--backbone", options.backbone, "--size", str(options.size)]
    command += ["--images", str(options.images), "--threads", str(options.threads)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(answer.stdout))


def _memory_of(made: MadeUpStep, schedule: str) -> float:
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is that of the imports
    before = _status("VmRSS")
    for _ in range(2):
        SCHEDULES[schedule](made)
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    """Return a figure of this process from Linux, kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def run(options: argparse.Namespace) -> None:
    """Measure one case and print it."""
    made = make_step(options.backbone, options.size, options.images)
    loss, gradient = largest_difference(made)
    ways = {name: partial(schedule, made) for name, schedule in SCHEDULES.items()}
    times = alternate(ways, options.repeats, warmup=1)
    floor = floor_seconds(made)
    print(f"{options.backbone}, {options.size} px, {options.images} images")
    print(f"  largest difference: losses {loss:.1e}, gradients {gradient:.1e}")
    print(f"  ours     {times['ours']}")
    print(f"  literal  {times['literal']}")
    print(f"  time: {ratios(times['ours'], times['literal'])}")
    print(f"  floor {1e3 * floor:.0f} ms: ours is {times['ours'].median / floor:.2f} of it")
    for phase, (first, second) in measure_phases(made).items():
        figures = f"{1e3 * first.median:8.0f} of {1e3 * second.median:.0f} ms"
        print(f"    {phase:28s}{figures}: {first.median / second.median:.2f}")
    peaks = {name: peak_memory(options, name) for name in SCHEDULES}
    share = peaks["ours"] / peaks["literal"]
    print(f"  memory: {peaks['ours']:.0f} of {peaks['literal']:.0f} MB: {share:.2f}", flush=True)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", help="of timm, with random weights; default: three cases")
    parser.add_argument("--size", type=int, default=224, help="px")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", choices=SCHEDULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        made = make_step(options.backbone, options.size, options.images)
        print(_memory_of(made, options.memory_of))
        return
    print(machine())
    cases = [(options.backbone, options.size)] if options.backbone else CASES
    for options.backbone, options.size in cases:
        run(options)


if __name__ == "__main__":
    main()
