"""What a search takes of the memory of each machine, at most, and where that is too much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from platform.cluster.host_memory import HostMemory
from platform.cluster.machines import Machines
from platform.cluster.placement import Placement, Resources, make_placement
from platform.forecast.host_memory import HostUse

# Ray keeps the rest of a machine's memory for its objects, in the files that it fills in too.
_GIVEN_TO_TASKS = 0.7
_USED_BY_OTHERS = 1e9  # the system, and Ray's own processes: 0.3e9 where they were measured


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine, and its memory."""

    name: str
    resources: Resources
    memory: HostMemory


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a machine has to hold, if as many trials come to it as its CPUs and GPUs allow.

    Attributes:
        workers: that train.
        loaders: of each.
        scorers: evaluation workers.
        drivers: of trials whose workers train.
    """

    host: Host
    use: HostUse
    workers: int
    loaders: int
    scorers: int
    drivers: int

    @property
    def needed(self) -> float:
        """Bytes, with those that are in use already."""
        training = self.workers * (self.use.worker + self.loaders * self.use.loader)
        others = self.drivers * self.use.driver + self.scorers * self.use.scorer
        return self.host.memory.used + training + others

    @property
    def share(self) -> float:
        """Of the memory that may be used: above 1, processes will be ended."""
        return self.needed / self.host.memory.most


def hosts_of(machines: Machines, memory: Sequence[HostMemory | None]) -> list[Host]:
    """Return the machines that are up or could join, as far as their memory is known.

    Args:
        machines: of the cluster.
        memory: of each that is up.
    """
    alone = len(machines.up) == 1
    up = [
        Host(name="this machine" if alone else one.name, resources=one.resources, memory=its)
        for one, its in zip(machines.up, memory, strict=True)
        if its is not None
    ]
    joining = (
        Host(name="a machine that joins", resources=one, memory=_memory_to_come(one["memory"]))
        for one in machines.possible
        if one.get("memory")
    )
    return [*up, *joining]


def _memory_to_come(resource: float) -> HostMemory:
    """Return the memory of a machine of which its cluster's file says what Ray gives to tasks."""
    return HostMemory(total=resource / _GIVEN_TO_TASKS, used=_USED_BY_OTHERS)


def heaviest_load(hosts: Sequence[Host], placement: Placement, use: HostUse) -> Load:
    """Return the load of the machine that has the least room for its own.

    Args:
        hosts: the head first; one at least.
        placement: of the search.
        use: of its processes.
    """
    loads = [_load(host, placement, use, len(hosts), i == 0) for i, host in enumerate(hosts)]
    return max(loads, key=lambda load: load.share)


def _load(host: Host, placement: Placement, use: HostUse, hosts: int, is_head: bool) -> Load:
    scorers = _scorers(placement, hosts, is_head)
    group = max(placement.workers_per_trial, 1)
    most = placement.max_concurrent_trials * group
    workers = min(_room(host.resources, placement, scorers), most)
    drivers = 0
    if placement.workers_per_trial and (is_head or not placement.drivers_on_head):
        drivers = placement.max_concurrent_trials if is_head else math.ceil(workers / group)
    return Load(
        host=host,
        use=use,
        workers=workers,
        loaders=placement.loaders,
        scorers=scorers,
        drivers=drivers,
    )


def _scorers(placement: Placement, hosts: int, is_head: bool) -> int:
    """Return the evaluation workers of a machine: all on the head, or the same on each."""
    if placement.scorers_on_head:
        return placement.scorers if is_head else 0
    return math.ceil(placement.scorers / hosts)


def _room(resources: Resources, placement: Placement, scorers: int) -> int:
    """Return how many workers a machine has CPUs and GPUs for."""
    try:
        return make_placement(
            [resources],
            workers_per_trial=0,
            worker=placement.worker,
            scorers=scorers,
            scorer=placement.scorer,
        ).max_concurrent_trials
    except ValueError:
        return 0
