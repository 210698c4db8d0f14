"""How a group meets: Ray's own group of workers, but in processes of this test, without a Ray."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from ray.train.v2._internal.execution.worker_group import execution_group

from platform.cluster import notice, torch_group
from platform.cluster.torch_group import GroupConfig
from platform.cluster.whereabouts import Whereabouts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
LOOPBACK = "0100007F"  # 127.0.0.1, as the system writes it


class Worker:
    """A worker of Ray's, as far as a group uses one: what it executes runs in a process."""

    def __init__(self) -> None:
        self.process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def execute_async(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self.process.submit(function, *arguments)


class Group(execution_group.ExecutionGroup):
    """Ray's group of two such workers."""

    def __init__(self) -> None:
        self._workers = [Worker(), Worker()]

    def get_resources_per_worker(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def get_workers(self) -> Any:
        return self._workers

    def _assert_active(self) -> None:
        """Be always at work."""


def wait(future: Any) -> Any:
    return [one.result(120) for one in future] if isinstance(future, list) else future.result(120)


def here() -> Whereabouts:
    return Whereabouts("127.0.0.1", "a")


def sum_of_ranks() -> float:
    total = torch.tensor([1.0 + dist.get_rank()])
    dist.all_reduce(total)
    return total.item()


def listens_at() -> set[str]:
    """Return the addresses at which this process waits for connections."""
    waiting = dict[str, str]()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # listening
                waiting[f"socket:[{fields[9]}]"] = fields[1].partition(":")[0]
    found = set[str]()
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(waiting.get(os.readlink(handle), ""))
    return found - {""}


def hears_sigterm() -> str:
    """Return what a run of this process is told when somebody ends the process."""
    notice.__dict__.update(this_node=lambda: "a", draining_nodes=dict)  # of a Ray that is not there
    with notice.END_NOTICE.heeded() as why:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        return why()


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    monkeypatch.setattr(torch_group, "whereabouts", here)
    for module in (torch_group, execution_group):
        monkeypatch.setattr(module, "ray", type("Ray", (), {"get": staticmethod(wait)}))
    group = Group()
    config = GroupConfig(backend="gloo", timeout_s=120)
    config.backend_cls().on_start(group, config)
    yield group
    for worker in group.get_workers():
        worker.process.shutdown(cancel_futures=True)


def test_workers_of_one_machine_meet_where_no_other_reaches_them_and_hear_of_their_end(
    group: Group,
) -> None:
    assert wait(group.execute_async(sum_of_ranks)) == [3.0, 3.0]
    assert wait(group.execute_async(listens_at)) == [{LOOPBACK}, {LOOPBACK}]
    assert wait(group.execute_async(hears_sigterm)) == [notice.SIGTERM, notice.SIGTERM]
