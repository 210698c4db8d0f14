"""Notice of an end, in real searches: the trial saves at once, goes on as saved, and counts it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from platform.results.tables import read_trials
from tests.integration.search_command import Search, Session
from tests.integration.test_faults import TRIAL_PROCESS

# Whole searches, one on several Rays: minutes, and no place beside other tests.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
_WORKER = b"ray::RayTrainWorker"


def process_of(search: Search, session: Session, name: bytes) -> int:
    """Return a process of the search by its name, the youngest of them."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for process in sorted(search.processes(), reverse=True):
            command = Path(f"/proc/{process}/cmdline")
            if command.exists() and name in command.read_bytes():
                return process
        time.sleep(0.1)
    raise AssertionError(f"no such process:\n{session.output}{session.errors}")


# One trains in the trial's own process; of two, the younger is not the main rank.
@pytest.mark.parametrize(("workers", "name"), [("1", TRIAL_PROCESS), ("2", _WORKER)])
def test_sigterm_to_a_process_of_a_trial_is_no_fault_of_it(
    scenes: Path, tmp_path: Path, workers: str, name: bytes
) -> None:
    where = ("--trials", "1", "--workers", workers, "--set=iterations=60")
    search = Search(data=scenes, directory=tmp_path / "reports", arguments=where)
    session = search.start()
    session.wait_for("CAM mIoU")
    os.kill(process_of(search, session, name), signal.SIGTERM)
    assert session.wait() == 0, session.output + session.errors
    assert "trial 0  preempted on " in session.output
    said = next(line for line in session.output.splitlines() if "preempted on" in line)
    saved = said.split("saved at iteration ")[1].split(";")[0]
    assert said.endswith(f"goes on from {saved}/60")
    (row,) = read_trials(search.results)
    assert (row.state, row.retries, row.preemptions) == ("complete", 0, 1)


@pytest.fixture
def small_head(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()


def test_a_machine_that_is_drained_gives_its_trial_away_before_it_ends(
    small_head: Cluster, scenes: Path, tmp_path: Path
) -> None:
    machine = small_head.add_node(num_cpus=2)
    # Only the other machine has room for it, until that is drained and a third has come.
    where = (
        "--address",
        str(small_head.address),
        "--trials",
        "1",
        "--cpus",
        "1.5",
        "--scorers",
        "1",
    )
    search = Search(
        data=scenes, directory=tmp_path / "reports", arguments=(*where, "--set=iterations=60")
    )
    session = search.start()
    session.wait_for("CAM mIoU")
    gcs = ray._raylet.GcsClient(address=small_head.address)  # pyright: ignore[reportAttributeAccessIssue]
    deadline = int(1000 * (time.time() + 60))
    accepted, why = gcs.drain_node(machine.node_id, 2, "a test", deadline)  # 2: preemption
    assert accepted, why
    session.wait_for("its machine is drained; saved at iteration ")
    small_head.remove_node(machine, allow_graceful=False)
    small_head.add_node(num_cpus=2)
    assert session.wait() == 0, session.output + session.errors
    (row,) = read_trials(search.results)
    assert (row.state, row.retries, row.preemptions) == ("complete", 0, 1)
