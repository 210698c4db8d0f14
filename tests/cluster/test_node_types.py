from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from platform.cluster.node_types import NodeType, NodeTypes, node_types, read_node_types

ROOT = Path(__file__).resolve().parents[2]
RAY_UP = {
    "max_workers": 8,
    "head_node_type": "head",
    "available_node_types": {
        "head": {"resources": {"CPU": 16}},
        "gpu": {"resources": {"CPU": 48, "GPU": 4}, "min_workers": 0, "max_workers": 6},
        "cpu": {"resources": {}},
    },
}


def types_of(config: object) -> dict[str, NodeType]:
    types = node_types(config)
    assert types is not None
    return {one.name: one for one in types.types}


def test_a_file_of_ray_up_tells_what_its_workers_have_and_how_many_there_may_be() -> None:
    types = types_of(RAY_UP)
    assert types["gpu"] == NodeType(name="gpu", resources={"CPU": 48, "GPU": 4}, most=6)
    assert (types["cpu"].most, types["cpu"].resources) == (8, {})
    assert (types["head"].most, types["head"].is_head) == (0, True)


def test_resources_that_a_file_leaves_out_come_from_what_the_autoscaler_follows() -> None:
    short, filled = node_types(RAY_UP), NodeTypes(types=[gpu("cpu", CPU=8)], most=1)
    assert short is not None
    whole = {one.name: one.resources for one in short.filled_from(filled).types}
    assert (whole["cpu"], whole["gpu"]) == ({"CPU": 8}, {"CPU": 48, "GPU": 4})


def gpu(name: str, **resources: float) -> NodeType:
    return NodeType(name=name, resources=resources, most=1)


def test_machines_given_by_their_addresses_are_like_the_head() -> None:
    provider = {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2", "10.0.0.3"]}
    (only,) = types_of({"provider": provider}).values()
    assert (only.most, only.is_head, only.resources) == (2, True, {})


@pytest.mark.parametrize("kind", ["RayCluster", "RayJob"])
def test_a_manifest_of_kubernetes_tells_what_ray_finds_in_its_pods(kind: str) -> None:
    limits = {"cpu": "1500m", "memory": "64Gi", "nvidia.com/gpu": 1}
    template = {"spec": {"containers": [{"resources": {"limits": limits}}]}}
    group = {"groupName": "gpu", "maxReplicas": 4, "template": template}
    quiet = group | {"groupName": "quiet", "rayStartParams": {"num-cpus": "1"}}
    spec = {"workerGroupSpecs": [group, quiet]}
    types = types_of({"kind": kind, "spec": {"rayClusterSpec": spec} if kind == "RayJob" else spec})
    assert types["gpu"] == NodeType(name="gpu", resources={"CPU": 1.5, "GPU": 1}, most=4)
    assert types["quiet"].resources["CPU"] == 1


def test_the_file_that_we_ship_is_read() -> None:
    types = read_node_types(ROOT / "cluster.yaml")
    assert types.most == 8
    assert {one.name for one in types.types if one.most} == {"gpu"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "no YAML file"),
        ("a: 1", "describes no cluster"),
        ("kind: Service", "describes no cluster"),
        (None, "cannot be read"),
    ],
)
def test_what_describes_no_cluster_is_refused_by_name(
    text: str | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=reason) as caught:
        read_node_types(path)
    assert str(caught.value).startswith(f"--cluster {path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        {"max_workers": "many"},
        {"available_node_types": ["gpu"]},
        {"available_node_types": {"gpu": None}},
        {"available_node_types": {"gpu": {"resources": {"GPU": "some"}}}},
    ],
)
def test_a_file_with_values_of_other_kinds_is_refused_in_one_line(
    broken: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(yaml.safe_dump({**RAY_UP, **broken}))
    with pytest.raises(ValueError, match="cannot be understood") as caught:
        read_node_types(path)
    assert "\n" not in str(caught.value)
