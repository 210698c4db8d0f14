"""`ray up cluster.yaml` reads what we ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import fillout_defaults, validate_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text())


def test_rays_own_schema_accepts_the_cluster_file(cluster: dict[str, Any]) -> None:
    validate_config(fillout_defaults(cluster))


def test_rays_schema_would_notice_a_wrong_key(cluster: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="head_node_typo"):
        validate_config(fillout_defaults({**cluster, "head_node_typo": "head"}))


def test_the_head_of_the_cluster_is_one_of_its_node_types(cluster: dict[str, Any]) -> None:
    assert cluster["head_node_type"] in cluster["available_node_types"]
