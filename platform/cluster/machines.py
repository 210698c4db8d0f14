"""The machines of a cluster: those that are up, and those that its autoscaler could bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from platform.cluster.node_types import NodeType, NodeTypes
from platform.cluster.placement import Resources

# Ray's label of a machine that its autoscaler has started: the name of its type.
NODE_TYPE_LABEL = "ray.io/node-group"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine of the cluster that is up."""

    id: str  # Ray's, for placing something on it
    name: str  # its host name and address, for who reads it
    resources: Resources
    is_head: bool = False
    type: str | None = None  # where its autoscaler says it


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What a cluster is, and what it can grow to.

    Attributes:
        up: the head first.
        possible: resources of each machine that could join.
        unknown: types that could join, but nobody can tell what their machines have.
    """

    up: Sequence[Machine]
    possible: Sequence[Resources] = ()
    unknown: Sequence[str] = ()

    @property
    def resources(self) -> list[Resources]:
        """Resources of each machine that is up."""
        return [machine.resources for machine in self.up]


def with_room_to_grow(up: Sequence[Machine], types: NodeTypes) -> Machines:
    """Return the machines with those that could join: at most what the file allows.

    Types with more GPUs come first, then those with more CPUs: they share one limit, and the
    autoscaler brings what trials ask for.
    """
    learnt = {one.name: one.resources or _resources_of_one(up, one) for one in types.types}
    workers = [machine for machine in up if not machine.is_head]
    there = Counter(_type_of(machine, learnt) for machine in workers)
    room = {one.name: one.most - there[one.name] for one in types.types}
    free = max(types.most - len(workers), 0)
    return Machines(
        up=up,
        possible=list(islice(_largest_first(room, learnt), free)),
        unknown=[name for name, more in room.items() if more > 0 and free and not learnt[name]],
    )


def growth_lines(machines: Machines) -> Iterator[str]:
    """Yield what a user should know of machines that are not there yet."""
    if machines.possible:
        kinds = Counter(_text(resources) for resources in machines.possible)
        more = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
        noun = "machine" if len(machines.up) == 1 else "machines"
        yield f"{len(machines.up)} {noun} up; the autoscaler may bring {more}"
    if machines.unknown:
        yield unknown_line(machines.unknown)


def unknown_line(types: Sequence[str]) -> str:
    """Say why machines of some types are not counted, and what to do."""
    return (
        f"machines of type {', '.join(types)} may join, but nothing says what they have, so no "
        "trial asks for them: write resources, such as {CPU: 16, GPU: 1}, into the type's entry of "
        "the cluster's file"
    )


def _largest_first(
    room: Mapping[str, int], resources: Mapping[str, Resources]
) -> Iterator[Resources]:
    known = [name for name in room if resources[name]]
    sizes = {name: (resources[name].get("GPU", 0), resources[name].get("CPU", 0)) for name in known}
    for name in sorted(known, key=lambda name: sizes[name], reverse=True):
        yield from [resources[name]] * room[name]


def _resources_of_one(up: Sequence[Machine], type_: NodeType) -> Resources:
    """Return the resources of a machine of a type that is up, as the autoscaler learns them."""
    for machine in up:
        if machine.type == type_.name or (machine.is_head and type_.is_head):
            amounts = {name: machine.resources.get(name, 0) for name in ("CPU", "GPU")}
            return {name: amount for name, amount in amounts.items() if amount}
    return {}


def _type_of(machine: Machine, types: Mapping[str, Resources]) -> str | None:
    """Return the type of a worker: what its label says, else the one with as many CPUs and GPUs."""
    if machine.type is not None:
        return machine.type
    return next(
        (name for name, one in types.items() if _size(one) == _size(machine.resources)), None
    )


def _size(resources: Resources) -> tuple[float, float]:
    return resources.get("CPU", 0), resources.get("GPU", 0)


def _text(resources: Resources) -> str:
    shown = [f"{resources[name]:g} {name}" for name in ("CPU", "GPU") if resources.get(name)]
    return f"({', '.join(shown)})"
