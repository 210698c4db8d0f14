"""The training step against the authors' schedule: time, memory, and the distance to the floor.

    python -m benchmarks.training_step --backbone deit_small_patch16_224 --size 448 --repeats 5

All ways compute the same losses and gradients of the same network and images, in alternation, in
this process: ours, the authors' schedule taken literally, and that one with the savings that are
obvious. Memory is the peak of fresh processes, above what they take when idle. The floor is the
time that the matrix products of our schedule would take at the rate at which this machine
multiplies matrices of the network's sizes. What our step spends beyond them, a profile says.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from functools import partial

import torch
from torch import Tensor

from benchmarks.floor import floor_seconds
from benchmarks.made_up_step import MadeUpStep, make_step
from benchmarks.peak_memory import peak_above_idle
from benchmarks.schedules import SCHEDULES, ours
from benchmarks.step_phases import measure_phases, phases
from benchmarks.step_profile import profile_step
from benchmarks.timing import Times, alternate, machine, ratios

CASES = [
    (f"deit_{size}_patch16_224", pixels)
    for size in ("tiny", "small", "base")
    for pixels in (224, 448)
]


STEP = "the whole step"
PROCESSES = 3


def largest_difference(made: MadeUpStep, way: str) -> tuple[float, float]:
    """Return the largest relative differences to the literal step: of a loss, of a gradient."""
    (first, first_grad), (second, second_grad) = (_results(made, name) for name in (way, "literal"))
    loss = max(abs(first[k] - second[k]).item() / abs(second[k]).item() for k in second)
    pairs = zip(first_grad, second_grad, strict=True)
    return loss, max(((a - b).norm() / b.norm().clamp(min=1e-12)).item() for a, b in pairs)


def _results(made: MadeUpStep, way: str) -> tuple[dict[str, Tensor], list[Tensor]]:
    made.reset_teacher()
    losses = SCHEDULES[way](made)
    return losses, [w.grad.clone() for w in made.model.parameters() if w.grad is not None]


def peak_memory(options: argparse.Namespace, way: str) -> dict[str, float]:
    """Return the peak above idle of the whole step and of its phases, MB: of fresh processes."""
    command = [sys.executable, "-m", "benchmarks.training_step", "--memory-of", way]
    command += ["--backbone", options.backbone, "--size", str(options.size)]
    command += ["--images", str(options.images), "--threads", str(options.threads)]
    peaks: list[dict[str, float]] = []
    for _ in range(PROCESSES):  # how the C library cuts up its memory differs from run to run
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(json.loads(answer.stdout))
    return {name: statistics.median(peak[name] for peak in peaks) for name in peaks[0]}


def _memory_of(made: MadeUpStep, way: str) -> dict[str, float]:
    whole = peak_above_idle(lambda: SCHEDULES[way](made))  # first: nothing has been allocated yet
    made.optimiser.zero_grad()
    parts = {name: ways[way] for name, ways in phases(made).items() if way in ways}
    return {STEP: whole, **{name: peak_above_idle(action) for name, action in parts.items()}}


def run(options: argparse.Namespace) -> None:
    """Measure one case and print it."""
    made = make_step(options.backbone, options.size, options.images)
    print(f"\n{options.backbone}, {options.size} px, {options.images} images")
    for way in ("ours", "obvious"):
        loss, gradient = largest_difference(made, way)
        print(f"  {way}: largest difference of losses {loss:.1e}, of gradients {gradient:.1e}")
    ways = {name: partial(schedule, made) for name, schedule in SCHEDULES.items()}
    times = alternate(ways, options.repeats, warmup=1)
    floor = floor_seconds(made)
    for name, time in times.items():
        print(f"  {name:9s}{time}")
    print(f"  time: {ratios(times['ours'], times['literal'])}")
    print(f"  of the obvious savings: {ratios(times['ours'], times['obvious'])}")
    print(f"  floor {1e3 * floor:.0f} ms: ours is {times['ours'].median / floor:.2f} of it")
    shares = profile_step(partial(ours, made))
    print("  ours spends " + ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items()))
    _print_phases({STEP: times, **measure_phases(made)}, options)
    sys.stdout.flush()


def _print_phases(seconds: dict[str, dict[str, Times]], options: argparse.Namespace) -> None:
    peaks = {way: peak_memory(options, way) for way in SCHEDULES}
    for name, times in seconds.items():
        for other in [way for way in times if way != "ours"]:
            time = _share(1e3 * times["ours"].median, 1e3 * times[other].median, "ms")
            memory = _share(peaks["ours"][name], peaks[other][name], "MB")
            print(f"  {name:28s}{other:9s}{time}{memory}")


def _share(ours: float, other: float, unit: str) -> str:
    return f"{ours:8.0f} of {other:6.0f} {unit}: {ours / other:.2f}"


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
