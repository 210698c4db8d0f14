"""What the platform itself costs a trial, as a search grows.

    python -m benchmarks.overhead                  # minutes
    python -m benchmarks.overhead --trials 200 --empty-trials 0

First a search in simulated time: searcher, scheduler, study and all sinks are the platform's own,
the training is made up. Then trials on Ray whose training is empty.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.empty_trials import Cost, run_empty_trials
from benchmarks.simulated_search import Sample, simulate
from benchmarks.timing import machine

HEADING = "trials  CPU a trial  wall a trial  memory  files a trial"
TRIAL_SECONDS = 600.0  # of a short trial, which the costs are compared with


def sample_line(one: Sample) -> str:
    """Say what a trial costs at one size of the search."""
    return (
        f"{one.trials:6d}  {1e3 * one.cpu:8.0f} ms  {1e3 * one.wall:9.0f} ms"
        f"  {one.megabytes:3.0f} MB  {one.kilobytes:10.0f} kB"
    )


def growth_line(samples: Sequence[Sample]) -> str:
    """Say how what a trial costs grows from the first stretch of a search to its last."""
    first, last = samples[0], samples[-1]
    return (
        f"{last.trials} against {first.trials} trials: CPU x {last.cpu / first.cpu:.2f}, memory x "
        f"{last.megabytes / first.megabytes:.2f}; of a trial of ten minutes the last ones are "
        f"{last.cpu / TRIAL_SECONDS:.3%} in CPU, {last.wall / TRIAL_SECONDS:.3%} in wall time"
    )


def empty_lines(cost: Cost) -> list[str]:
    """Say what trials on Ray cost without any training."""
    share = cost.each / TRIAL_SECONDS
    return [
        f"{cost.trials} empty trials on Ray: {cost.each:.2f} s each ({share:.2%} of ten minutes),"
        f" driver {cost.megabytes:.0f} MB, Ray's files {cost.ray_kilobytes:.0f} kB",
        f"start: Ray {cost.ray:.1f} s, first trial {cost.cold:.1f} s after it (cold); a later trial"
        f" runs {cost.warm:.2f} s after it was proposed (warm, median)",
    ]


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1000, help="simulated ones")
    parser.add_argument("--every", type=int, default=100, help="trials of a line")
    parser.add_argument("--sampler", default="curve")
    parser.add_argument("--empty-trials", type=int, default=200, help="on Ray; 0 leaves them out")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as directory:
        print(HEADING)
        samples: list[Sample] = []
        for sample in simulate(Path(directory), options.trials, options.every, options.sampler):
            samples.append(sample)
            print(sample_line(sample), flush=True)
        print(growth_line(samples))
    if options.empty_trials:
        with tempfile.TemporaryDirectory() as directory:
            cost = run_empty_trials(Path(directory), options.empty_trials)
            print("\n".join(empty_lines(cost)))


if __name__ == "__main__":
    main()
