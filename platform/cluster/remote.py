"""What Ray tells: the results of its processes, and the machines that it has."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import ray
import yaml
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from platform.cluster.host_memory import HostMemory, this_memory
from platform.cluster.machines import NODE_TYPE_LABEL, Machine, Machines, with_room_to_grow
from platform.cluster.node_types import NodeTypes, node_types, read_node_types
from platform.cluster.ray_internals import autoscaler_file, is_head

T = TypeVar("T")
# Their messages are one line, for whoever typed the command.
NAMED = (ValueError, ArithmeticError, MemoryError)
_ANSWER_SECONDS = 60.0  # a process is started for it


def fetch(reference: ray.ObjectRef[T]) -> T:
    """Wait for a result.

    Ray raises an error of a worker with its traceback for a message, once more for each process it
    came through. What was raised to be read by a user is raised here as it was raised there.
    """
    try:
        return ray.get(reference)
    except RayTaskError as error:
        cause: BaseException = error
        while isinstance(cause, RayTaskError):
            cause = cause.cause
        if isinstance(cause, NAMED):
            raise cause from error
        raise


def cluster_machines(file: Path | None = None) -> Machines:
    """Return the machines of the cluster that are up, and those that could join.

    Args:
        file: that describes the cluster (`--cluster`); by default what the autoscaler on the head
            follows, whose copy also has the resources that a file leaves to the cloud.

    Raises:
        ValueError: the file describes no cluster.
    """
    up = machines_up()
    followed = _followed_by_autoscaler(up)
    types = read_node_types(file) if file else followed
    if types is None:
        return Machines(up=up)
    return with_room_to_grow(up, types.filled_from(followed) if followed else types)


def machines_up() -> list[Machine]:
    """Return the machines that are up, the head first."""
    machines = [_machine(node) for node in ray.nodes() if node["Alive"]]
    return sorted(machines, key=lambda machine: not machine.is_head)


def memory_of(machines: Sequence[Machine]) -> list[HostMemory | None]:
    """Return the memory of each machine; None of one that is gone, or does not say."""
    looks = [None if one.id == this_node() else run_on(one, this_memory) for one in machines]
    asked = [look for look in looks if look is not None]
    ready, _ = (
        ray.wait(asked, num_returns=len(asked), timeout=_ANSWER_SECONDS) if asked else ([], [])
    )
    return [this_memory() if look is None else _answer(look, ready) for look in looks]


def _answer(look: ray.ObjectRef[T], ready: Sequence[ray.ObjectRef[T]]) -> T | None:
    try:
        return fetch(look) if look in ready else None
    except RayError:  # the machine is gone
        return None


def run_on(machine: Machine, function: Callable[..., T], *arguments: Any) -> ray.ObjectRef[T]:
    """Start a function on a machine, where it takes no resources; it fails if that dies."""
    remote: Any = ray.remote(function)
    there = on_machine(machine.id)
    return remote.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(*arguments)


def on_machine(node_id: str, *, if_possible: bool = False) -> NodeAffinitySchedulingStrategy:
    """Return how something is placed on a machine, or elsewhere once that is gone."""
    return NodeAffinitySchedulingStrategy(node_id, soft=if_possible)


def this_node() -> str:
    """Return Ray's id of the machine that this process runs on."""
    return ray.get_runtime_context().get_node_id()


def _machine(node: dict[str, Any]) -> Machine:
    return Machine(
        id=node["NodeID"],
        name=f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
        resources=node["Resources"],
        is_head=is_head(node["Resources"]),
        type=node["Labels"].get(NODE_TYPE_LABEL),
    )


def _followed_by_autoscaler(up: list[Machine]) -> NodeTypes | None:
    if not up or not up[0].is_head:
        return None
    head, address = up[0], ray.get_runtime_context().gcs_address
    here = head.id == this_node()
    text = _autoscaler_config(address) if here else fetch(run_on(head, _autoscaler_config, address))
    return node_types(yaml.safe_load(text)) if text else None


def _autoscaler_config(gcs_address: str) -> str | None:
    """Return the text of the file that the autoscaler of this machine follows."""
    path = autoscaler_file(gcs_address)
    return Path(path).read_text("utf-8") if path and os.access(path, os.R_OK) else None
