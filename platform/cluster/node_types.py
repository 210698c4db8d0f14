"""The types of machines that a cluster may have, from the file that describes it.

A file of `ray up`, whose filled-in copy the autoscaler on the head follows, or the manifest of a
RayCluster or a RayJob on Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from platform.cluster.placement import Resources

_Entry: TypeAlias = Mapping[str, Any]
# What `ray up` takes where the file does not say (ray/autoscaler/aws/defaults.yaml).
_MOST_WORKERS = 2
_LOCAL_TYPE = "local.cluster.node"  # the one type of machines that are given by their addresses


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """Machines of one kind.

    Attributes:
        name: of the type.
        resources: of one such machine; empty where the file leaves them to the cloud.
        most: workers of this type at a time.
        is_head: whether the head is one of them.
    """

    name: str
    resources: Resources
    most: int
    is_head: bool = False


@dataclass(frozen=True, kw_only=True)
class NodeTypes:
    """All types of a cluster, and how many workers they may be together."""

    types: Sequence[NodeType]
    most: int

    def filled_from(self, other: NodeTypes) -> NodeTypes:
        """Return these with the resources that they leave out and the others of their name have."""
        known = {one.name: one.resources for one in other.types}
        filled = [
            one if one.resources else replace(one, resources=known.get(one.name, {}))
            for one in self.types
        ]
        return replace(self, types=filled)


def read_node_types(path: Path) -> NodeTypes:
    """Read the types of a file.

    Raises:
        ValueError: it is not there, no YAML, or describes no cluster.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--cluster {path}: cannot be read ({error})") from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"--cluster {path}: no YAML file ({first})") from error
    try:
        found = [types for one in documents if (types := node_types(one)) is not None]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"--cluster {path}: cannot be understood ({error!r})") from error
    if not found:
        raise ValueError(
            f"--cluster {path}: describes no cluster; give a file of `ray up` (with "
            "available_node_types, or a local provider), or the manifest of a RayCluster or RayJob"
        )
    return found[0]


def node_types(config: object) -> NodeTypes | None:
    """Return the types of a parsed file; None where it describes no cluster."""
    if not isinstance(config, Mapping):
        return None
    if config.get("kind") in ("RayCluster", "RayJob"):
        return _of_kubernetes(config)
    if "available_node_types" in config:
        return _of_ray_up(config)
    provider = config.get("provider") or {}
    return _of_addresses(provider) if "worker_ips" in provider else None


def _of_ray_up(config: _Entry) -> NodeTypes:
    most, head = config.get("max_workers", _MOST_WORKERS), config.get("head_node_type")
    types = [
        NodeType(
            name=name,
            resources=_amounts(entry.get("resources")),
            most=0
            if name == head and "max_workers" not in entry
            else entry.get("max_workers", most),
            is_head=name == head,
        )
        for name, entry in config["available_node_types"].items()
    ]
    return NodeTypes(types=types, most=int(most))


def _of_addresses(provider: _Entry) -> NodeTypes:
    most = len(provider["worker_ips"])
    one = NodeType(name=_LOCAL_TYPE, resources={}, most=most, is_head=True)
    return NodeTypes(types=[one], most=most)


def _of_kubernetes(manifest: _Entry) -> NodeTypes:
    spec = manifest.get("spec") or {}
    cluster = spec.get("rayClusterSpec") or spec
    groups = cluster.get("workerGroupSpecs") or []
    types = [
        NodeType(
            name=group["groupName"],
            resources=_of_pods(group),
            most=group.get("maxReplicas", group.get("replicas", 0)) * group.get("numOfHosts", 1),
        )
        for group in groups
    ]
    return NodeTypes(types=types, most=sum(one.most for one in types))


def _of_pods(group: _Entry) -> Resources:
    """Return what Ray finds in a pod: its start parameters, else the limits of the container."""
    start = group.get("rayStartParams") or {}
    containers = group["template"]["spec"]["containers"]
    asked = containers[0].get("resources") or {}
    limits = {**(asked.get("requests") or {}), **(asked.get("limits") or {})}
    found = {"CPU": limits.get("cpu"), "GPU": limits.get("nvidia.com/gpu")}
    given = {"CPU": start.get("num-cpus"), "GPU": start.get("num-gpus")}
    return _amounts({**found, **{name: one for name, one in given.items() if one is not None}})


def _amounts(resources: _Entry | None) -> Resources:
    return dict(_numbers(resources or {}))


def _numbers(resources: _Entry) -> Iterator[tuple[str, float]]:
    for name, amount in resources.items():
        if amount is not None:
            yield name, _number(amount)


def _number(amount: object) -> float:
    """Return a number, as Kubernetes writes it too: 500m is half a CPU."""
    text = str(amount)
    return float(text.removesuffix("m")) * (0.001 if text.endswith("m") else 1)
