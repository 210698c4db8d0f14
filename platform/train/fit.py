"""Who trains a run: this process, or a DDP group on Ray with evaluation workers beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import torch

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.cluster.placement import (
    DRIVER_CPUS,
    Placement,
    cpu_share,
    gpu_share,
    make_placement,
)
from platform.train.lead import Emit, StopRequested
from platform.train.loop import Rank, run
from platform.train.options import Workers
from platform.train.plan import RunPlan
from platform.workers.executor import LocalExecutor
from platform.workers.worker import ScoringWorker

Fit: TypeAlias = Callable[[RunPlan, Emit, StopRequested], None]
Nodes: TypeAlias = Sequence[Mapping[str, float]]  # resources of each machine


def uses_ray(workers: Workers) -> bool:
    """Return whether Ray is needed: not for one worker on this machine."""
    return workers.workers > 1 or workers.address is not None


def check_workers(workers: Workers) -> None:
    """Refuse, before Ray is started, what can never run.

    Raises:
        ValueError: the workers do not fit on this machine.
    """
    if not uses_ray(workers):
        device_for(workers.gpus)
    elif not is_on_cluster(workers.address):
        place_workers([this_machine()], workers)


def place_workers(nodes: Nodes, workers: Workers) -> Placement:
    """Fit the training and the evaluation workers on the machines.

    Raises:
        ValueError: they never fit.
    """
    gpus = gpu_share(nodes, workers.workers) if workers.gpus is None else workers.gpus
    worker = {"CPU": _worker_cpus(nodes, workers, gpus), "GPU": gpus}
    return make_placement(
        nodes,
        workers_per_trial=workers.workers,
        worker={name: amount for name, amount in worker.items() if amount},
        scorers=workers.scorers,
        scorer={"CPU": workers.scorer_cpus, "GPU": workers.scorer_gpus},
        trials=1,
    )


def _worker_cpus(nodes: Nodes, workers: Workers, gpus: float) -> float:
    if workers.cpus is not None:
        return workers.cpus
    if gpus:
        return 1.0
    reserved = DRIVER_CPUS + workers.scorers * workers.scorer_cpus
    return cpu_share(nodes, workers.workers, reserved=reserved)


def fit_here(workers: Workers) -> Fit:
    """Return how a run is trained and scored in this process."""
    device = device_for(workers.gpus)
    if workers.cpus is not None:
        torch.set_num_threads(max(round(workers.cpus), 1))

    def fit(plan: RunPlan, emit: Emit, stop_requested: StopRequested) -> None:
        executor = LocalExecutor(ScoringWorker(device)) if plan.split else None
        run(plan, Rank(device=device), executor, emit, stop_requested)

    return fit


@contextmanager
def fit_on_ray(workers: Workers, log_file: Path) -> Iterator[Fit]:
    """Start Ray and the evaluation workers; give how a run is trained in a group of workers."""
    from platform.cluster.remote import cluster_nodes
    from platform.cluster.runtime import start_ray
    from platform.train.on_ray import fit_in_workers
    from platform.workers.pool import EvaluationPool, PoolOptions

    with start_ray(log_file, address=workers.address):
        resources = place_workers(cluster_nodes(), workers).worker
        options = PoolOptions(
            workers=workers.scorers, cpus=workers.scorer_cpus, gpus=workers.scorer_gpus
        )
        pool = EvaluationPool(options)

        def fit(plan: RunPlan, emit: Emit, stop_requested: StopRequested) -> None:
            fit_in_workers(
                plan,
                pool.executor if plan.split else None,
                emit,
                time.strftime("train-%Y%m%d-%H%M%S"),
                workers=workers.workers,
                resources=resources,
                stop_requested=stop_requested,
            )

        try:
            yield fit
        finally:
            pool.stop()
