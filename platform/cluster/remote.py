"""What Ray tells: the results of its processes, and the machines that it has."""

from __future__ import annotations

from typing import TypeVar

import ray
from ray.exceptions import RayTaskError

T = TypeVar("T")
# Their messages are one line, for whoever typed the command.
NAMED = (ValueError, ArithmeticError, MemoryError)


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


def cluster_nodes() -> list[dict[str, float]]:
    """Return the resources of each machine of the cluster that is joined."""
    return list(nodes_by_id().values())


def nodes_by_id() -> dict[str, dict[str, float]]:
    """Return the resources of each machine of the cluster, by Ray's id."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
