"""Starts who carries out the requests: this process, or evaluation workers on Ray."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from platform.cluster.machine import device_for, this_machine
from platform.cluster.placement import DRIVER_CPUS, place
from platform.evaluate.options import EvaluationWorkers
from platform.workers.executor import Crew, LocalCrew, PoolCrew
from platform.workers.worker import ScoringWorker

Nodes = Sequence[Mapping[str, float]]  # resources of each machine


def uses_ray(options: EvaluationWorkers) -> bool:
    """Return whether Ray is needed: not for one worker on this machine."""
    return options.scorers > 1 or options.address is not None


def check_workers(options: EvaluationWorkers) -> None:
    """Refuse in moments what can never run.

    Raises:
        ValueError: the evaluation workers do not fit on this machine.
    """
    if not uses_ray(options):
        device_for(options.gpus)
    elif not options.address and "RAY_ADDRESS" not in os.environ:
        _pool_resources([this_machine()], options)


@contextmanager
def crew(options: EvaluationWorkers, log_file: Path, console: Console) -> Iterator[Crew]:
    """Start who works, and end them afterwards.

    Args:
        options: how many, on what.
        log_file: takes what Ray has to say.
        console: is told that Ray starts.

    Raises:
        ValueError: the evaluation workers do not fit on the cluster.
        ConnectionError: there is no Ray cluster at the address.
    """
    if not uses_ray(options):
        yield LocalCrew(ScoringWorker(device_for(options.gpus)))
        return
    console.print(f"starting Ray and {options.scorers} evaluation workers", style="dim")
    with _pool_crew(options, log_file) as workers:
        yield workers


@contextmanager
def _pool_crew(options: EvaluationWorkers, log_file: Path) -> Iterator[Crew]:
    import ray

    from platform.cluster.runtime import start_ray
    from platform.workers.pool import PoolOptions, ScoringPool

    with start_ray(log_file, address=options.address, dashboard=False):
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        cpus, gpus = _pool_resources(nodes, options)
        pool = ScoringPool(PoolOptions(workers=options.scorers, cpus=cpus, gpus=gpus))
        try:
            yield PoolCrew(pool.client, options.scorers)
        finally:
            pool.stop()


def _pool_resources(nodes: Nodes, options: EvaluationWorkers) -> tuple[float, float]:
    """Return CPUs and GPUs of an evaluation worker."""
    gpus = options.gpus
    if gpus is None:
        gpus = float(sum(node.get("GPU", 0) for node in nodes) >= options.scorers)
    share = sum(node.get("CPU", 0) for node in nodes) / options.scorers
    cpus = options.cpus if options.cpus is not None else min(max(int(90 * share) / 100, 0.1), 1.0)
    place(
        nodes,
        workers_per_trial=0,
        worker={"CPU": DRIVER_CPUS},
        scorers=options.scorers,
        scorer={"CPU": cpus, "GPU": gpus},
        trials=1,
    )
    return cpus, gpus
