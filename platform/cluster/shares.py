"""What each process gets where nothing was asked for: one rule for searches and single runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from platform.cluster.gpu_kinds import kind_of
from platform.cluster.placement import DRIVER_CPUS, Placement, Resources, make_placement, total

# What a worker gets where even shares are less, and another process has to wait.
LEAST_CPUS = 0.1
# Loading processes beside a GPU. One prepares 16 images a second at 448 px (three views each), 15
# prepare 160; an H100 takes up to 130.
MOST_LOADERS = 12
# Of a GPU, for all its evaluation workers: what is left to its trial must be more than half of it,
# or Ray would put a second trial there.
MOST_OF_A_GPU = 0.45
_STEP = 0.05  # of a GPU
_UNIT = 10_000  # as Ray counts


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What options ask for; None where the machines decide.

    Attributes:
        workers: training workers of a trial.
        least_workers: with which a trial goes on where there is no room for `workers`.
        in_driver: whether a single worker trains in the trial's own process.
        among: workers that share the CPUs of machines without GPUs; None: one for each core.
        scorer_bytes: memory of an evaluation worker on a GPU.
        cpu_scorers: evaluation workers where they run on CPUs.
    """

    workers: int
    in_driver: bool
    cpus: float | None
    gpus: float | None
    loaders: int | None
    scorers: int | None
    scorer_cpus: float
    scorer_gpus: float | None
    scorer_bytes: float
    cpu_scorers: int
    trials: int | None = None
    among: int | None = None
    least_workers: int | None = None


def place(
    nodes: Sequence[Resources], demand: Demand, possible: Sequence[Resources] = ()
) -> Placement:
    """Fit evaluation workers and trials on the machines.

    Where trials use GPUs, one evaluation worker on each such machine takes the share of a GPU that
    its memory needs, and every trial leaves so much of its own GPUs to whoever scores there. A
    second GPU for it would stand still most of the time, and a CPU takes hours for a score.

    Args:
        nodes: resources of each machine that is up, the head first.
        demand: what was asked for.
        possible: of each that could join. Trials count on them; they bring no evaluation workers,
            which would keep a machine that has nothing else left to do.

    Raises:
        ValueError: they never fit.
    """
    machines = max(len(with_gpus(nodes)), 1)
    nodes = [*nodes, *possible]
    least = demand.least_workers or demand.workers
    gpus = gpu_share(nodes, least) if demand.gpus is None else demand.gpus
    scorers, scorer_gpus, left = _scorers(nodes, demand, gpus, machines)
    loaders = loaders_beside(nodes, gpus) if demand.loaders is None else demand.loaders
    worker = {
        "CPU": _worker_cpus(nodes, demand, gpus, loaders, scorers),
        "GPU": math.floor(gpus * left * _UNIT + 1e-6) / _UNIT,
    }
    placement = make_placement(
        nodes,
        workers_per_trial=0 if demand.in_driver else demand.workers,
        worker={name: amount for name, amount in worker.items() if amount},
        scorers=scorers,
        scorer={"CPU": demand.scorer_cpus, "GPU": scorer_gpus},
        trials=demand.trials,
    )
    return replace(placement, loaders=loaders, gpus_per_trial=gpus * demand.workers)


def cpu_share(nodes: Sequence[Resources], among: float, *, reserved: float) -> float:
    """Return the CPUs of a worker for which none were asked: an even share.

    Rounded down to what Ray counts in, so that the shares never add up to more than there is.

    Args:
        nodes: resources of each machine.
        among: workers that share.
        reserved: CPUs that others take.
    """
    units = (total(nodes, "CPU") - reserved) * _UNIT // max(among, 1.0)
    return max(units / _UNIT, LEAST_CPUS)


def gpu_share(nodes: Sequence[Resources], workers: int) -> float:
    """Return the GPUs of a worker for which none were asked: one where there are enough, else 0."""
    return float(total(nodes, "GPU") >= workers)


def loaders_beside(nodes: Sequence[Resources], gpus: float) -> int:
    """Return the loading processes of a worker for which none were asked.

    The CPUs beside its share of the GPUs, less one for the worker; on a CPU none, since they would
    take from the training what they give to it.
    """
    if not gpus or not with_gpus(nodes):
        return 0
    beside = min(node.get("CPU", 0.0) / node["GPU"] for node in with_gpus(nodes)) * gpus
    return max(min(int(beside) - 1, MOST_LOADERS), 1)


def with_gpus(nodes: Sequence[Resources]) -> list[Resources]:
    """Return the machines that have GPUs."""
    return [node for node in nodes if node.get("GPU", 0) > 0]


def _scorers(
    nodes: Sequence[Resources], demand: Demand, gpus: float, machines: int
) -> tuple[int, float, float]:
    """Return the evaluation workers, the GPUs of each, and the share that trials keep of theirs.

    Args:
        nodes: those that could join too.
        demand: what was asked for.
        gpus: of a training worker.
        machines: among which evaluation workers on GPUs are shared.
    """
    if demand.scorer_gpus is not None:
        on_cpus = demand.cpu_scorers if demand.scorer_gpus == 0 else machines
        return demand.scorers or on_cpus, demand.scorer_gpus, 1.0
    on_gpus = with_gpus(nodes) and 0 < gpus <= 1
    share = _share_of_a_gpu(nodes, demand.scorer_bytes) if on_gpus else 1.0
    together = share * math.ceil((demand.scorers or 1) / machines)
    if together > MOST_OF_A_GPU:  # a GPU too small, or more of them than one has room for
        return demand.scorers or demand.cpu_scorers, 0.0, 1.0
    return demand.scorers or machines, share, 1 - together


def _share_of_a_gpu(nodes: Sequence[Resources], needed: float) -> float:
    memory = min(kind_of(node).memory for node in with_gpus(nodes)) * 1e9
    return round(math.ceil(needed / memory / _STEP) * _STEP, 4)


def _worker_cpus(
    nodes: Sequence[Resources], demand: Demand, gpus: float, loaders: int, scorers: int
) -> float:
    if demand.cpus is not None:
        return demand.cpus
    scoring = scorers * demand.scorer_cpus
    if not gpus or not with_gpus(nodes):
        among = demand.among or total(nodes, "CPU")
        drivers = 0.0 if demand.in_driver else DRIVER_CPUS * (among if not demand.among else 1)
        return cpu_share(nodes, among, reserved=scoring + drivers)
    drivers = 0.0 if demand.in_driver else DRIVER_CPUS
    places = [(node, node["GPU"] / gpus) for node in with_gpus(nodes)]
    shares = (cpu_share([one], n, reserved=scoring + drivers * n) for one, n in places)
    return min(*shares, loaders + 1.0)
