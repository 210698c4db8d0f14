"""Who trains a run: this process, or a DDP group on Ray with evaluation workers beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import torch

from platform.cluster.machine import device_for, this_machine
from platform.cluster.placement import DRIVER_CPUS, Placement, place
from platform.train.lead import Report, StopRequested
from platform.train.loop import Place, run
from platform.train.options import Workers
from platform.train.plan import RunPlan
from platform.workers.scorers import LocalScorer
from platform.workers.worker import ScoringWorker

Fit: TypeAlias = Callable[[RunPlan, Report, StopRequested], None]
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
    elif not workers.address and "RAY_ADDRESS" not in os.environ:
        place_workers([this_machine()], workers)


def place_workers(nodes: Nodes, workers: Workers) -> Placement:
    """Fit the training and the evaluation workers on the machines.

    Raises:
        ValueError: they never fit.
    """
    gpus = workers.gpus
    if gpus is None:
        gpus = float(sum(node.get("GPU", 0) for node in nodes) >= workers.workers)
    worker = {"CPU": _worker_cpus(nodes, workers, gpus), "GPU": gpus}
    return place(
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
    left = sum(node.get("CPU", 0) for node in nodes) - DRIVER_CPUS
    share = (left - workers.scorers * workers.scorer_cpus) / workers.workers
    return max(int(100 * share) / 100, 0.1)  # hundredths, so that they fit however they round


def fit_here(workers: Workers) -> Fit:
    """Return how a run is trained and scored in this process."""
    device = device_for(workers.gpus)
    if workers.cpus is not None:
        torch.set_num_threads(max(round(workers.cpus), 1))

    def fit(plan: RunPlan, report: Report, stop_requested: StopRequested) -> None:
        scorer = LocalScorer(ScoringWorker(device)) if plan.split else None
        run(plan, Place(device=device), scorer, report, stop_requested)

    return fit


@contextmanager
def fit_on_ray(workers: Workers, log_file: Path) -> Iterator[Fit]:
    """Start Ray and the evaluation workers; give how a run is trained in a group of workers."""
    import ray

    from platform.cluster.runtime import start_ray
    from platform.train.on_ray import fit_in_workers
    from platform.workers.pool import PoolOptions, ScoringPool

    with start_ray(log_file, address=workers.address):
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        resources = place_workers(nodes, workers).worker
        options = PoolOptions(
            workers=workers.scorers, cpus=workers.scorer_cpus, gpus=workers.scorer_gpus
        )
        pool = ScoringPool(options)

        def fit(plan: RunPlan, report: Report, stop_requested: StopRequested) -> None:
            fit_in_workers(
                plan,
                pool.client if plan.split else None,
                report,
                time.strftime("train-%Y%m%d-%H%M%S"),
                workers=workers.workers,
                resources=resources,
                stop_requested=stop_requested,
            )

        try:
            yield fit
        finally:
            pool.stop()
