"""A run in two DDP workers on Ray: stopped by its driver, and gone on with."""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform.cluster.runtime import start_ray
from platform.results.events import RunEvent
from platform.train.on_ray import fit_in_workers
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import list_checkpoints
from platform.train.stops import RunStopped, StopRequested, never
from platform.workers.pool import EvaluationPool, PoolOptions
from tests.train.short_run import Listener, final_checkpoint, short_plan

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LOOPBACK = "0100007F"  # 127.0.0.1


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvaluationPool]:
    os.environ["PYTEST_CURRENT_TEST_MARK"] = str(uuid.uuid4())  # of its processes
    with start_ray(tmp_path_factory.mktemp("ray") / "ray.log", num_cpus=2):
        pool = EvaluationPool(PoolOptions(workers=1))
        yield pool
        pool.stop()


def fit(
    plan: RunPlan, pool: EvaluationPool, listener: Listener, stop: StopRequested = never
) -> None:
    fit_in_workers(
        plan,
        pool.executor,
        listener.events.append,
        f"run-{len(list_checkpoints(plan.checkpoints))}",
        workers=2,
        resources={"CPU": 0.9},
        stop_requested=stop,
    )


def test_a_run_that_was_stopped_in_its_workers_goes_on_where_it_was(
    pool: EvaluationPool, scenes: Path, tmp_path: Path
) -> None:
    plan, stopped, resumed = short_plan(scenes, tmp_path, iterations=4), Listener(), Listener()
    with pytest.raises(RunStopped, match="stopped at iteration 1"):
        fit(plan, pool, stopped, lambda: True)
    assert final_checkpoint(plan).iteration == 1
    assert (stopped.progress, list(stopped.scores)) == ([1], [])
    fit(plan, pool, resumed)
    assert resumed.progress[0] > 1
    assert list(resumed.scores) == [2, 4]
    assert final_checkpoint(plan).iteration == 4


def listens_at(process: Path) -> set[str]:
    """Return the addresses at which a process waits for connections, as the system writes them."""
    waiting = dict[str, str]()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # listening
                waiting[f"socket:[{fields[9]}]"] = fields[1].partition(":")[0]
    found = set[str]()
    for handle in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(waiting.get(os.readlink(handle), ""))
    return found - {""}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_on_one_machine_are_not_to_be_reached_from_another(
    pool: EvaluationPool, scenes: Path, tmp_path: Path
) -> None:
    plan, found = short_plan(scenes, tmp_path, iterations=2), list[set[str]]()
    mine = os.environ["PYTEST_CURRENT_TEST_MARK"].encode()

    def look(_event: RunEvent) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or is not ours to read
                is_worker = b"ray::RayTrainWorker" in (process / "cmdline").read_bytes()
                if is_worker and mine in (process / "environ").read_bytes():
                    found.append(listens_at(process))

    fit_in_workers(plan, pool.executor, look, "look", workers=2, resources={"CPU": 0.9})
    assert len(found) >= 2
    assert set.union(*found) == {LOOPBACK}


def test_a_mistake_in_the_workers_is_raised_as_it_was_raised_there(
    pool: EvaluationPool, scenes: Path, tmp_path: Path
) -> None:
    plan = short_plan(scenes, tmp_path, iterations=8, optimiser__warmup=8)
    with pytest.raises(ValueError, match=r"warmup 8 must be in 0\.\.7"):
        fit(plan, pool, Listener())
