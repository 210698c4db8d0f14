"""A trial of 2 to 4 workers whose machine is lost: it goes on with the workers that are left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search

# Several Rays on one machine: minutes, and no place beside other tests.
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 3})
    yield cluster
    cluster.shutdown()


def test_it_goes_on_with_fewer_workers(cluster: Cluster, scenes: Path, tmp_path: Path) -> None:
    machine = cluster.add_node(num_cpus=2)
    where = ("--address", str(cluster.address), "--workers", "2-4", "--cpus", "1", "--scorers", "1")
    search = Search(
        data=scenes, directory=tmp_path / "reports", arguments=(*where, "--trials", "1")
    )
    session = search.start("--set=iterations=40")
    session.wait_for("CAM mIoU")  # the first score
    cluster.remove_node(machine, allow_graceful=False)
    assert session.wait() == 0, session.output + session.errors
    assert "trial 0  started  with 4 workers" in session.output
    assert "  with 2 workers" in session.output
    (row,) = read_trials(search.results)
    assert (row.state, row.retries, row.latest["workers"]) == ("complete", 1, 2)
    workers = [score["workers"] for score in read_curves(search.results)]
    assert workers == sorted(workers, reverse=True)
    assert {*workers} == {2, 4}
