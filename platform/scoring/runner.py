"""Who scores a checkpoint: this process with a progress bar, or evaluation workers on Ray."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from platform.devices import device_for, this_machine
from platform.results.task_progress import task_progress
from platform.scoring.answer import ScoredCheckpoint
from platform.scoring.options import EvaluateOptions
from platform.scoring.request import ScoreRequest
from platform.scoring.scorers import LocalScorer
from platform.scoring.worker import ScoringWorker
from platform.tuning.placement import DRIVER_CPUS, place

Nodes = Sequence[Mapping[str, float]]  # resources of each machine


def uses_ray(options: EvaluateOptions) -> bool:
    """Return whether Ray is needed: not for one worker on this machine."""
    return options.scorers > 1 or options.address is not None


def check_workers(options: EvaluateOptions) -> None:
    """Refuse in moments what can never run.

    Raises:
        ValueError: the evaluation workers do not fit on this machine.
    """
    if not uses_ray(options):
        device_for(options.gpus)
    elif not options.address and "RAY_ADDRESS" not in os.environ:
        _pool_resources([this_machine()], options)


def score_here(
    request: ScoreRequest, images: int, options: EvaluateOptions, console: Console
) -> ScoredCheckpoint:
    """Score in this process."""
    with task_progress(console, f"scoring {request.split}", images) as task:
        return LocalScorer(ScoringWorker(device_for(options.gpus)), task.advance).score(request)


def score_on_ray(
    request: ScoreRequest, log_file: Path, options: EvaluateOptions
) -> ScoredCheckpoint:
    """Start Ray and the evaluation workers, and score there."""
    import ray

    from platform.runtime import start_ray
    from platform.scoring.pool import PoolOptions, ScoringPool

    with start_ray(log_file, address=options.address, dashboard=False):
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        cpus, gpus = _pool_resources(nodes, options)
        pool = ScoringPool(PoolOptions(workers=options.scorers, cpus=cpus, gpus=gpus))
        try:
            return pool.client.score(request)
        finally:
            pool.stop()


def _pool_resources(nodes: Nodes, options: EvaluateOptions) -> tuple[float, float]:
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
