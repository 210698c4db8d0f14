"""Who trains a run: this process, or a DDP group on Ray with evaluation workers beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import torch

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.cluster.placement import Placement
from platform.cluster.places import mark_places
from platform.cluster.shares import Demand, loaders_beside, place
from platform.resource_ranges import asked
from platform.train.lead import Emit
from platform.train.loop import Rank, Start, run
from platform.train.options import Workers
from platform.train.plan import RunPlan
from platform.train.stops import StopRequested
from platform.workers.executor import LocalExecutor
from platform.workers.worker import ScoringWorker
from toco_core.cost import scoring_bytes
from toco_core.model.backbones import backbone_size
from toco_core.settings import Recipe

Fit: TypeAlias = Callable[[RunPlan, Emit, StopRequested], None]
Nodes: TypeAlias = Sequence[Mapping[str, float]]  # resources of each machine


def uses_ray(workers: Workers) -> bool:
    """Return whether Ray is needed: not for one worker on this machine."""
    return workers.workers > 1 or workers.address is not None


def check_workers(workers: Workers, recipe: Recipe) -> None:
    """Refuse, before Ray is started, what can never run.

    Raises:
        ValueError: the workers do not fit on this machine.
    """
    if not uses_ray(workers):
        device_for(workers.gpus)
    elif not is_on_cluster(workers.address):
        place_workers([this_machine()], workers, recipe)


def place_workers(
    nodes: Nodes, workers: Workers, recipe: Recipe, possible: Nodes = ()
) -> Placement:
    """Fit the training and the evaluation workers on the machines, those that could join too.

    Raises:
        ValueError: they never fit.
    """
    demand = Demand(
        workers=workers.workers,
        in_driver=False,
        cpus=workers.cpus,
        gpus=workers.gpus,
        loaders=asked(workers.loaders),
        scorers=asked(workers.scorers),
        scorer_cpus=workers.scorer_cpus,
        scorer_gpus=asked(workers.scorer_gpus),
        scorer_bytes=scoring_bytes(recipe, backbone_size(recipe.backbone.name)),
        cpu_scorers=1,
        trials=1,
        among=workers.workers,
    )
    return place(nodes, demand, possible)


def fit_here(workers: Workers, start: Start | None = None) -> Fit:
    """Return how a run is trained and scored in this process; `start` as of `run`."""
    device = device_for(workers.gpus)
    if workers.cpus is not None:
        torch.set_num_threads(max(round(workers.cpus), 1))
    loaders = asked(workers.loaders)
    if loaders is None:
        loaders = loaders_beside([this_machine()], float(device == "cuda"))

    def fit(plan: RunPlan, emit: Emit, stop_requested: StopRequested) -> None:
        executor = LocalExecutor(ScoringWorker(device)) if plan.split else None
        loading = replace(plan, num_workers=loaders)
        run(loading, Rank(device=device), executor, emit, stop_requested, start)

    return fit


@contextmanager
def fit_on_ray(workers: Workers, recipe: Recipe, log_file: Path) -> Iterator[Fit]:
    """Start Ray and the evaluation workers; give how a run is trained in a group of workers."""
    from platform.cluster.proof import require_seen
    from platform.cluster.remote import cluster_machines, machines_up
    from platform.cluster.runtime import start_ray
    from platform.train.on_ray import fit_in_workers
    from platform.workers.pool import EvaluationPool, PoolOptions

    with start_ray(log_file, address=workers.address):
        machines = cluster_machines()
        placement = place_workers(machines.resources, workers, recipe, machines.possible)
        pool = EvaluationPool(PoolOptions.of(placement))

        def fit(plan: RunPlan, emit: Emit, stop_requested: StopRequested) -> None:
            directory = plan.checkpoints
            if isinstance(directory, Path):
                directory.mkdir(parents=True, exist_ok=True)
            require_seen(machines_up(), mark_places(directory, plan.dataset))
            fit_in_workers(
                replace(plan, num_workers=placement.loaders),
                pool.executor if plan.split else None,
                emit,
                time.strftime("train-%Y%m%d-%H%M%S"),
                workers=workers.workers,
                resources=placement.worker,
                stop_requested=stop_requested,
            )

        try:
            yield fit
        finally:
            pool.stop()
