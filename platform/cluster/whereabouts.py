"""Which machine of the cluster a process is on, and on which one an error was raised."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import ray

_NAME = "raised_on"  # of an error; Python pickles what is set on one with it
_NODE_LABEL = "ray.io/node-id"  # which Ray gives to each machine


@dataclass(frozen=True)
class Whereabouts:
    """A machine: its address, and its id in Ray. Both are empty for one that is not known."""

    address: str = ""
    node: str = ""


def whereabouts() -> Whereabouts:
    """Return the machine of this process of Ray."""
    return Whereabouts(ray.util.get_node_ip_address(), ray.get_runtime_context().get_node_id())


@contextmanager
def telling_where() -> Iterator[None]:
    """Let an error that is raised here, and read elsewhere, tell on which machine it was."""
    try:
        yield
    except Exception as error:
        setattr(error, _NAME, whereabouts())
        raise


def raised_on(error: BaseException) -> Whereabouts | None:
    """Return where an error was raised, if that was told."""
    return getattr(error, _NAME, None)


def avoiding(nodes: Collection[str]) -> dict[str, str]:
    """Return the label selector for a place on any machine but these; of none, for any."""
    return {_NODE_LABEL: f"!in({','.join(sorted(nodes))})"} if nodes else {}
