"""Starts an executor: in this process, or evaluation workers on Ray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.cluster.placement import DRIVER_CPUS, make_placement
from platform.cluster.shares import cpu_share, gpu_share
from platform.results.task_progress import counting_progress
from platform.workers.executor import Executor, LocalExecutor
from platform.workers.options import EvaluationWorkers
from platform.workers.requests import Request, ResultT
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
    elif not is_on_cluster(options.address):
        _pool_resources([this_machine()], options)


@contextmanager
def start_executor(
    options: EvaluationWorkers, log_file: Path, console: Console
) -> Iterator[Executor]:
    """Start who evaluates, and end it afterwards.

    Args:
        options: how many workers, on what.
        log_file: takes what Ray has to say.
        console: is told that Ray starts.

    Raises:
        ValueError: the evaluation workers do not fit on the cluster.
        ConnectionError: there is no Ray cluster at the address.
    """
    if not uses_ray(options):
        yield LocalExecutor(ScoringWorker(device_for(options.gpus)))
        return
    console.print(f"starting Ray and {options.scorers} evaluation workers", style="dim")
    with _pool_executor(options, log_file) as executor:
        yield executor


def run_with_progress(
    request: Request[Any, ResultT], executor: Executor, console: Console, description: str
) -> ResultT:
    """Carry out a request, and show how far it is."""
    with counting_progress(console, description) as progress:
        return executor.submit(request, progress).result()


@contextmanager
def _pool_executor(options: EvaluationWorkers, log_file: Path) -> Iterator[Executor]:
    from platform.cluster.remote import cluster_machines  # Ray: only where it is used
    from platform.cluster.runtime import start_ray
    from platform.workers.pool import EvaluationPool, PoolOptions

    with start_ray(log_file, address=options.address, dashboard=False):
        machines = cluster_machines()
        nodes = [*machines.resources, *machines.possible]
        cpus, gpus = _pool_resources(nodes, options)
        pool = EvaluationPool(PoolOptions(workers=options.scorers, cpus=cpus, gpus=gpus))
        try:
            yield pool.executor
        finally:
            pool.stop()


def _pool_resources(nodes: Nodes, options: EvaluationWorkers) -> tuple[float, float]:
    """Return CPUs and GPUs of an evaluation worker."""
    gpus = gpu_share(nodes, options.scorers) if options.gpus is None else options.gpus
    cpus = options.cpus
    if cpus is None:  # no more than one: each computes in one thread
        cpus = min(cpu_share(nodes, options.scorers, reserved=DRIVER_CPUS), 1.0)
    make_placement(
        nodes,
        workers_per_trial=0,
        worker={"CPU": DRIVER_CPUS},
        scorers=options.scorers,
        scorer={"CPU": cpus, "GPU": gpus},
        trials=1,
    )
    return cpus, gpus
