"""Bundles of resources laid on machines, one after the other, as Ray counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Resources: TypeAlias = Mapping[str, float]  # such as {"CPU": 4, "GPU": 0.5}
Units: TypeAlias = dict[str, int]

_UNIT = 10_000  # Ray counts resources in ten-thousandths, and so does this: 3 x 0.1 fit into 0.3


def units_of(resources: Resources) -> Units:
    """Return resources in whole units, without those of which there is nothing."""
    units = {name: round(amount * _UNIT) for name, amount in resources.items()}
    return {name: amount for name, amount in units.items() if amount}


class Node:
    """What is free on one machine: amounts, and its GPUs one by one."""

    def __init__(self, resources: Resources) -> None:
        self.free = units_of(resources)
        whole, part = divmod(self.free.pop("GPU", 0), _UNIT)
        self.gpus = [_UNIT] * whole + [part] * bool(part)

    def take(self, bundle: Units) -> bool:
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


def fit(nodes: Sequence[Node], bundles: Sequence[Units]) -> bool:
    """Take each bundle, the largest first, out of the first node with room for it.

    Returns:
        False, and the nodes half taken, if one has no room.
    """
    ordered = sorted(bundles, key=lambda one: -sum(one.values()))
    return all(any(node.take(bundle) for node in nodes) for bundle in ordered)


def spread(nodes: Sequence[Node], bundle: Units, count: int) -> bool:
    """Take bundles out of one node after the other; False, and the nodes half taken, likewise."""
    starts = range(count)
    return all(
        any(nodes[(s + i) % len(nodes)].take(bundle) for i in range(len(nodes))) for s in starts
    )


def has_room(resources: Resources, bundle: Units, count: int) -> bool:
    """Whether a machine with nothing on it holds so many bundles without a GPU."""
    node = Node(resources)
    return "GPU" not in bundle and all(node.take(bundle) for _ in range(count))
