"""How many trials fit on the cluster at once, and a refusal in time where none ever would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from platform.cluster.packing import Node, Resources, Units, fit, has_room, spread, units_of

# The driver of a trial only waits for its workers, but Ray refuses a driver that asks for nothing.
# A hundred of them cost one CPU.
DRIVER_CPUS = 0.01


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What runs where: enough for Tune not to start what would then wait for resources.

    Attributes:
        max_concurrent_trials: Trials at once.
        driver: Resources of a trial's driver, for `tune.with_resources`.
        workers_per_trial: 0 if the driver trains by itself.
        scorers: Evaluation workers, shared by all trials.
        loaders: Loading processes of a worker, which are among its CPUs.
        gpus_per_trial: That its workers compute on; scorers may have a share of them.
        scorers_on_head: Whether all scorers have room on the first machine, and none needs a GPU.
        drivers_on_head: Whether all drivers have room there, and none trains.
        sizes: Numbers of workers that a trial may have, largest first, where there are several; of
            `workers_per_trial` there would be room for all trials at once.
    """

    max_concurrent_trials: int
    driver: Resources
    workers_per_trial: int
    worker: Resources
    scorers: int = 0
    scorer: Resources = field(default_factory=dict)
    loaders: int = 0
    gpus_per_trial: float = 0.0
    scorers_on_head: bool = False
    drivers_on_head: bool = False
    sizes: Sequence[int] = ()

    @property
    def least_workers(self) -> int:
        """Training workers of a trial at least."""
        return min(self.sizes, default=self.workers_per_trial)


def total(nodes: Sequence[Resources], name: str) -> float:
    """Return how much of a resource all machines have together."""
    return sum(node.get(name, 0.0) for node in nodes)


def make_placement(
    nodes: Sequence[Resources],
    *,
    workers_per_trial: int,
    worker: Resources,
    scorers: int = 0,
    scorer: Resources | None = None,
    trials: int | None = None,
) -> Placement:
    """Fit the evaluation workers, and then as many trials as possible, on the nodes.

    Bundles are laid on the first node with room for them. The scorers come first, because they
    stay for the whole search: those without a GPU on the head, if it has room for all, else one
    node after the other. This may find room for a trial less than the best packing, never for one
    more.

    Args:
        nodes: Resources of each machine, the head first.
        workers_per_trial: Training workers of a trial; 0 to train in the driver.
        worker: Resources of one training worker.
        scorers: Evaluation workers, shared by all trials.
        scorer: Resources of one evaluation worker.
        trials: Never more than these at once; None for as many as fit.

    Raises:
        ValueError: If the evaluation workers or a single trial never fit.
    """
    _check_counts(workers_per_trial, scorers, trials)
    scorer = scorer or {}
    driver = {"CPU": DRIVER_CPUS} if workers_per_trial else dict(worker)
    scorers_on_head = has_room(nodes[0], units_of(scorer), scorers)
    free = [Node(node) for node in nodes]
    if not spread(free[:1] if scorers_on_head else free, units_of(scorer), scorers):
        raise ValueError(
            f"{scorers} evaluation workers x {_text(scorer)} do not fit on {_cluster_text(nodes)}; "
            "ask for fewer, or for less each"
        )
    count = _trials_at_once(free, _bundles(driver, worker, workers_per_trial), trials)
    if count == 0:
        raise ValueError(_refusal(nodes, workers_per_trial, worker, driver, scorers, scorer))
    return Placement(
        max_concurrent_trials=count,
        driver=driver,
        workers_per_trial=workers_per_trial,
        worker=dict(worker),
        scorers=scorers,
        scorer=dict(scorer),
        scorers_on_head=scorers_on_head,
        drivers_on_head=workers_per_trial > 0 and has_room(nodes[0], units_of(driver), count),
    )


def _trials_at_once(free: list[Node], bundles: Sequence[Units], most: int | None) -> int:
    """Count the trials that fit into what is free, which is taken."""
    if not any(bundles):
        raise ValueError("a trial asks for no resources at all; give its workers a CPU")
    count = 0
    while count != most and fit(free, bundles):
        count += 1
    return count


def largest_group(
    nodes: Sequence[Resources], placement: Placement, sizes: Sequence[int], taken: Sequence[int]
) -> int | None:
    """Return how many workers a trial can have beside the trials in work; None if there is no room.

    Args:
        nodes: Resources of each machine, the head first.
        placement: What the scorers, a driver and a worker take.
        sizes: Numbers of workers that it may have, largest first.
        taken: Of the trials in work.
    """
    scorer = units_of(placement.scorer)
    for size in sizes:
        free = [Node(node) for node in nodes]
        # as many of them as there is room for: some may have been on a machine that is gone
        spread(free[:1] if placement.scorers_on_head else free, scorer, placement.scorers)
        groups = [*sorted(taken, reverse=True), size]
        bundles = (_bundles(placement.driver, placement.worker, group) for group in groups)
        if all(fit(free, group) for group in bundles):
            return size
    return None


def _bundles(driver: Resources, worker: Resources, workers: int) -> list[Units]:
    return [units_of(driver), *[units_of(worker)] * workers]


def _check_counts(workers_per_trial: int, scorers: int, trials: int | None) -> None:
    counts = {"workers per trial": workers_per_trial, "evaluation workers": scorers}
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"{name} is {count}, but must be 0 or more")
    if trials is not None and trials < 1:
        raise ValueError(f"trials at once is {trials}, but must be 1 or more")


def _refusal(
    nodes: Sequence[Resources],
    workers_per_trial: int,
    worker: Resources,
    driver: Resources,
    scorers: int,
    scorer: Resources,
) -> str:
    what = f"driver {_text(driver)}"
    if workers_per_trial:
        what = f"{workers_per_trial} workers x {_text(worker)} and a {what}"
    taken = f", of which {scorers} evaluation workers take {_text(scorer)} each" if scorers else ""
    hints = ["fewer workers per trial"] if workers_per_trial > 1 else []
    hints += ["fewer evaluation workers"] if scorers else []
    return (
        f"a trial needs {what}, but the cluster has {_cluster_text(nodes)}{taken}; "
        f"ask for {', or for '.join([*hints, 'less for each'])}, or add machines"
    )


def _text(resources: Resources) -> str:
    shown = [f"{amount:g} {name}" for name, amount in sorted(resources.items()) if amount]
    return "(" + ", ".join(shown or ["nothing"]) + ")"


def _cluster_text(nodes: Sequence[Resources]) -> str:
    # Ray adds a resource of its own for each machine and for object memory
    kinds = ("CPU", "GPU")
    shown = [_text({kind: node.get(kind, 0) for kind in kinds}) for node in nodes[:4]]
    more = f" and {len(nodes) - 4} more" if len(nodes) > 4 else ""
    return f"{len(nodes)} machine{'s'[: len(nodes) > 1]}: {' + '.join(shown)}{more}"
