"""How many trials fit on the cluster at once, and a refusal in time where none ever would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Resources: TypeAlias = Mapping[str, float]  # such as {"CPU": 4, "GPU": 0.5}
_Units: TypeAlias = dict[str, int]

# The driver of a trial only waits for its workers, but Ray refuses a driver that asks for nothing.
# A hundred of them cost one CPU.
DRIVER_CPUS = 0.01
_UNIT = 10_000  # Ray counts resources in ten-thousandths, and so does this: 3 x 0.1 fit into 0.3


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
    free = [_Node(node) for node in nodes]
    scorers_on_head = _has_room(nodes[0], _units(scorer), scorers)
    if not _spread(free[:1] if scorers_on_head else free, _units(scorer), scorers):
        need = f"{scorers} evaluation workers x {_text(scorer)}"
        raise ValueError(
            f"{need} do not fit on {_cluster_text(nodes)}; ask for fewer, or for less each"
        )
    bundles = _bundles(driver, worker, workers_per_trial)
    if not any(bundles):
        raise ValueError("a trial asks for no resources at all; give its workers a CPU")
    count = 0
    while count != trials and _fit(free, bundles):
        count += 1
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
        drivers_on_head=workers_per_trial > 0 and _has_room(nodes[0], _units(driver), count),
    )


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
    scorer = _units(placement.scorer)
    for size in sizes:
        free = [_Node(node) for node in nodes]
        _spread(free[:1] if placement.scorers_on_head else free, scorer, placement.scorers)
        groups = [*sorted(taken, reverse=True), size]
        bundles = (_bundles(placement.driver, placement.worker, group) for group in groups)
        if all(_fit(free, group) for group in bundles):
            return size
    return None


def _bundles(driver: Resources, worker: Resources, workers: int) -> list[_Units]:
    return [_units(driver), *[_units(worker)] * workers]


def _check_counts(workers_per_trial: int, scorers: int, trials: int | None) -> None:
    counts = {"workers per trial": workers_per_trial, "evaluation workers": scorers}
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"{name} is {count}, but must be 0 or more")
    if trials is not None and trials < 1:
        raise ValueError(f"trials at once is {trials}, but must be 1 or more")


def _units(resources: Resources) -> _Units:
    units = {name: round(amount * _UNIT) for name, amount in resources.items()}
    return {name: amount for name, amount in units.items() if amount}


class _Node:
    """What is free on one machine: amounts, and its GPUs one by one."""

    def __init__(self, resources: Resources) -> None:
        self.free = _units(resources)
        whole, part = divmod(self.free.pop("GPU", 0), _UNIT)
        self.gpus = [_UNIT] * whole + [part] * bool(part)

    def take(self, bundle: _Units) -> bool:
        """Take a bundle out of what is free, or return False and leave it as it is."""
        amounts = {name: units for name, units in bundle.items() if name != "GPU"}
        if any(self.free.get(name, 0) < units for name, units in amounts.items()):
            return False
        if not self._take_gpus(bundle.get("GPU", 0)):
            return False
        for name, units in amounts.items():
            self.free[name] -= units
        return True

    def _take_gpus(self, units: int) -> bool:
        # a share of a GPU lies on one GPU, the fullest that has room, and two shares of 0.5 left
        # on different ones are no GPU
        wanted = [units] if units < _UNIT else [_UNIT] * -(-units // _UNIT)
        left = sorted(self.gpus)
        for share in filter(None, wanted):
            index = next((i for i, free in enumerate(left) if free >= share), None)
            if index is None:
                return False
            left[index] -= share
        self.gpus = left
        return True


def _fit(nodes: list[_Node], bundles: Sequence[_Units]) -> bool:
    """Take all the bundles out of the nodes; False, and `nodes` half taken, if one has no room."""
    ordered = sorted(bundles, key=lambda one: -sum(one.values()))
    return all(any(node.take(bundle) for node in nodes) for bundle in ordered)


def _has_room(resources: Resources, bundle: _Units, count: int) -> bool:
    """Return whether a machine with nothing on it holds bundles without a GPU."""
    node = _Node(resources)
    return "GPU" not in bundle and all(node.take(bundle) for _ in range(count))


def _spread(nodes: Sequence[_Node], bundle: _Units, count: int) -> bool:
    """Take bundles out of one node after the other; False, and `nodes` half taken, if one fails."""
    starts = range(count)
    return all(
        any(nodes[(s + i) % len(nodes)].take(bundle) for i in range(len(nodes))) for s in starts
    )


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
