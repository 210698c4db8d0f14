"""A cluster of two machines, as far as Ray is concerned: who is where, and who sees what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from platform.cluster.places import TOKEN_FILE, mark_places
from platform.cluster.proof import require_seen
from platform.cluster.remote import (
    cluster_machines,
    fetch,
    machines_up,
    memory_of,
    this_node,
)
from platform.cluster.runtime import worker_environment
from platform.workers.pool import EvaluationPool, PoolOptions

# Several Rays on one machine: minutes, and no place beside other tests.
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]

FILE = """
max_workers: 3
head_node_type: head
available_node_types:
  head: {resources: {}}
  gpu: {resources: {CPU: 8, GPU: 1}}
"""


@pytest.fixture(scope="module", autouse=True)
def two_machines() -> Iterator[None]:
    cluster = Cluster()
    cluster.add_node(num_cpus=1, include_dashboard=False)
    cluster.add_node(num_cpus=2)
    environment = {"env_vars": worker_environment()}
    with ray.init(cluster.address, runtime_env=environment, log_to_driver=False):
        yield
    cluster.shutdown()


def node_of(actor: Any) -> str:
    reference: Any = actor.__ray_call__.remote(lambda _: this_node())
    return fetch(reference)


def test_machines_are_listed_with_the_head_first() -> None:
    head, worker = machines_up()
    assert (head.is_head, worker.is_head) == (True, False)
    assert (head.resources["CPU"], worker.resources["CPU"]) == (1, 2)


def test_each_machine_is_asked_for_its_memory() -> None:
    """Both are this one: what it has is the same, what is in use nearly."""
    head, worker = memory_of(machines_up())
    assert head is not None
    assert worker is not None
    assert (head.total, head.threshold) == (worker.total, worker.threshold)


def test_without_an_autoscaler_nothing_can_join_and_with_a_file_what_it_says(
    tmp_path: Path,
) -> None:
    assert cluster_machines().possible == ()
    (tmp_path / "cluster.yaml").write_text(FILE)
    grown = cluster_machines(tmp_path / "cluster.yaml")
    assert grown.possible == [{"CPU": 8, "GPU": 1}] * 2  # one of three workers is up


def test_who_scores_on_cpus_is_on_the_head_and_the_dispatcher_with_the_driver() -> None:
    pool = EvaluationPool(PoolOptions(workers=2, cpus=0.1, on_head=True))
    try:
        head = machines_up()[0].id
        assert {node_of(worker) for worker in pool.workers} == {head}
        assert node_of(pool.dispatcher) == this_node()
    finally:
        pool.stop()


def test_each_machine_is_asked_what_it_sees_and_named_if_it_sees_something_else(
    scenes: Path, tmp_path: Path
) -> None:
    places = mark_places(tmp_path, str(scenes))
    require_seen(machines_up(), places)
    with pytest.raises(ValueError, match=rf"machine \S+ \(\S+\) does not see {tmp_path} as") as one:
        require_seen(machines_up(), replace(places, token="another"))
    assert "\n" not in str(one.value)
    (tmp_path / TOKEN_FILE).unlink()
    with pytest.raises(ValueError, match="--reports"):
        require_seen(machines_up(), places)
