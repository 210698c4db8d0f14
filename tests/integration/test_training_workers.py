"""A run in two DDP workers on Ray: stopped by its driver, and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from platform.cluster.runtime import start_ray
from platform.train.on_ray import fit_in_workers
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import list_checkpoints
from platform.train.stops import RunStopped, StopRequested, never
from platform.workers.pool import EvaluationPool, PoolOptions
from tests.train.short_run import Listener, final_checkpoint, short_plan

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvaluationPool]:
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


def test_a_mistake_in_the_workers_is_raised_as_it_was_raised_there(
    pool: EvaluationPool, scenes: Path, tmp_path: Path
) -> None:
    plan = short_plan(scenes, tmp_path, iterations=8, optimiser__warmup=8)
    with pytest.raises(ValueError, match=r"warmup 8 must be in 0\.\.7"):
        fit(plan, pool, Listener())
