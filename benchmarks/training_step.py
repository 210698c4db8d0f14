"""The training step against the authors' schedule: time, memory, and the distance to the floor.

    python -m benchmarks.training_step --backbone deit_small_patch16_224 --size 448 --repeats 5

Both compute the same losses and gradients of the same network and images, in alternation, in this
process. Memory is the peak of a fresh process each, above what it takes when idle. The floor is the
time that the matrix products of our schedule would take at the rate at which this machine
multiplies matrices of the network's sizes. What our step spends beyond them, a profile says.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
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
from benchmarks.peak_memory import peak_above_idle
from benchmarks.step_phases import measure_phases, phases
from benchmarks.step_profile import profile_step
from benchmarks.timing import alternate, machine, ratios

Shape = tuple[int, ...]
CASES = [
    (f"deit_{size}_patch16_224", pixels)
    for size in ("tiny", "small", "base")
    for pixels in (224, 448)
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
STEP = "the whole step"


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


def peak_memory(options: argparse.Namespace, way: str) -> dict[str, float]:
    """Return the peak above idle of the whole step and of its phases in a fresh process, MB."""
    command = [sys.executable, "-m", "benchmarks.training_step", "--memory-of", way]
    command += ["--backbone", options.backbone, "--size", str(options.size)]
    command += ["--images", str(options.images), "--threads", str(options.threads)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def _memory_of(made: MadeUpStep, way: str) -> dict[str, float]:
    whole = peak_above_idle(lambda: SCHEDULES[way](made))  # first: nothing has been allocated yet
    made.optimiser.zero_grad()
    parts = {name: peak_above_idle(ways[way]) for name, ways in phases(made).items()}
    return {STEP: whole, **parts}


def run(options: argparse.Namespace) -> None:
    """Measure one case and print it."""
    made = make_step(options.backbone, options.size, options.images)
    print(f"\n{options.backbone}, {options.size} px, {options.images} images")
    loss, gradient = largest_difference(made)
    print(f"  largest difference: losses {loss:.1e}, gradients {gradient:.1e}")
    ways = {name: partial(schedule, made) for name, schedule in SCHEDULES.items()}
    times = alternate(ways, options.repeats, warmup=1)
    floor = floor_seconds(made)
    print(f"  ours     {times['ours']}")
    print(f"  literal  {times['literal']}")
    print(f"  time: {ratios(times['ours'], times['literal'])}")
    print(f"  floor {1e3 * floor:.0f} ms: ours is {times['ours'].median / floor:.2f} of it")
    shares = profile_step(partial(ours, made))
    print("  ours spends " + ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items()))
    seconds = {STEP: (times["ours"], times["literal"]), **measure_phases(made)}
    peaks = {way: peak_memory(options, way) for way in SCHEDULES}
    for name, (first, second) in seconds.items():
        time = _share(1e3 * first.median, 1e3 * second.median, "ms")
        print(f"  {name:28s}{time}{_share(peaks['ours'][name], peaks['literal'][name], 'MB')}")
    sys.stdout.flush()


def _share(ours: float, literal: float, unit: str) -> str:
    return f"{ours:8.0f} of {literal:6.0f} {unit}: {ours / literal:.2f}"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", help="of timm, with random weights; default: six cases")
    parser.add_argument("--size", type=int, default=224, help="px")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", choices=SCHEDULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        made = make_step(options.backbone, options.size, options.images)
        print(json.dumps(_memory_of(made, options.memory_of)))
        return
    print(machine())
    cases = [(options.backbone, options.size)] if options.backbone else CASES
    for options.backbone, options.size in cases:
        run(options)


if __name__ == "__main__":
    main()
