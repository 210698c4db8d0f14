"""Evaluation workers on Ray: the same score from any number of them, and whatever befalls them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray

from platform.cluster.remote import fetch
from platform.cluster.runtime import start_ray
from platform.export.request import ExportRequest
from platform.workers.dispatcher import Dispatcher
from platform.workers.executor import LocalExecutor
from platform.workers.pool import EvaluationPool, PoolOptions
from platform.workers.requests import ScoreRequest, SegmentationRequest
from platform.workers.results import EvaluationResult
from platform.workers.worker import ScoringWorker
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset
from toco_core.scoring.cam_score import Score
from toco_core.scoring.segmentation_score import Method
from toco_core.trainer import Trainer

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def ray_on_two_cpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with start_ray(tmp_path_factory.mktemp("ray") / "ray.log", num_cpus=2, dashboard=False):
        yield


@pytest.fixture(scope="module")
def request_(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> ScoreRequest:
    """A request for two chunks: 24 images, of which the last 8 are not a whole one."""
    path = tmp_path_factory.mktemp("checkpoint") / "iteration-000002.pt"
    trainer = Trainer(small_recipe(), open_dataset(scenes))
    trainer.step()
    trainer.save(path)
    return ScoreRequest(
        checkpoint=str(path), dataset=str(scenes), split="tune", purpose="test", pictures=2
    )


@pytest.fixture(scope="module")
def expected(request_: ScoreRequest) -> EvaluationResult[Score]:
    return LocalExecutor(ScoringWorker()).submit(request_).result()


@pytest.fixture(scope="module")
def pool() -> Iterator[EvaluationPool]:
    pool = EvaluationPool(PoolOptions(workers=1))
    yield pool
    pool.stop()


@pytest.fixture(scope="module")
def three() -> Iterator[EvaluationPool]:
    pool = EvaluationPool(PoolOptions(workers=3))
    yield pool
    pool.stop()


def assert_same(first: EvaluationResult[Score], second: EvaluationResult[Score]) -> None:
    for field in fields(first.score):
        value, other = (getattr(result.score, field.name) for result in (first, second))
        if field.name in ("final", "auxiliary"):
            for curve in fields(value):
                pair = getattr(value, curve.name), getattr(other, curve.name)
                np.testing.assert_array_equal(*pair, field.name)
        else:
            assert value == other, field.name
    assert first.pictures == second.pictures


def test_one_worker_gives_the_score_of_this_process_to_the_bit(
    pool: EvaluationPool, request_: ScoreRequest, expected: EvaluationResult[Score]
) -> None:
    assert (expected.score.images, expected.score.masks_opened) == (24, 24)
    assert_same(pool.executor.submit(request_).result(), expected)


def test_three_workers_give_the_score_of_this_process_to_the_bit(
    three: EvaluationPool, request_: ScoreRequest, expected: EvaluationResult[Score]
) -> None:
    assert_same(three.executor.submit(request_).result(), expected)


@pytest.mark.crf
def test_three_workers_segment_as_this_process_does(
    three: EvaluationPool, request_: ScoreRequest
) -> None:
    request = SegmentationRequest(
        checkpoint=request_.checkpoint,
        dataset=request_.dataset,
        split="tune",
        purpose="test",
        method=Method(scales=(1.0, 1.5), crf=True),
        pictures=2,
    )
    shared = three.executor.submit(request).result()
    alone = LocalExecutor(ScoringWorker()).submit(request).result()
    assert (shared.score.images, shared.score.masks_opened) == (24, 24)
    for variant, counts in alone.score.counts.items():
        np.testing.assert_array_equal(shared.score.counts[variant].counts, counts.counts)
    assert shared.pictures == alone.pictures


def test_three_workers_export_the_files_of_this_process(
    three: EvaluationPool, request_: ScoreRequest, tmp_path: Path
) -> None:
    request = ExportRequest(
        checkpoint=request_.checkpoint,
        dataset=request_.dataset,
        split="train",
        output=str(tmp_path / "shared"),
        format="files",
        kinds=("labels", "cams"),
        source="cam",
        bkg=0.4,
        low=None,
        high=None,
        scales=(),
        crf=False,
        all_classes=False,
    )
    executors = three.executor, LocalExecutor(ScoringWorker())
    trees: list[dict[str, bytes]] = []
    for executor, name in zip(executors, ("shared", "alone"), strict=True):
        export = executor.submit(replace(request, output=str(tmp_path / name))).result()
        assert (export.written, export.found) == (32, 0)
        trees.append({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")})
    assert len(trees[0]) == 64
    assert trees[0] == trees[1]


@pytest.mark.parametrize("where", ["here", "pool"])
def test_a_request_tells_how_far_it_is(
    pool: EvaluationPool, request_: ScoreRequest, where: str
) -> None:
    executor = pool.executor if where == "pool" else LocalExecutor(ScoringWorker())
    told: list[tuple[int, int]] = []
    future = executor.submit(request_, lambda *far: told.append(far))
    assert future.result().score.images == 24
    assert future.done()
    assert told[-1] == (24, 24)
    assert told == sorted(told)


def test_a_worker_that_was_killed_is_restarted_and_its_chunk_scored_again(
    pool: EvaluationPool, request_: ScoreRequest, expected: EvaluationResult[Score]
) -> None:
    pool.executor.submit(request_).result()  # it is up
    under_way = pool.executor.submit(request_)
    ray.kill(pool.workers[0], no_restart=False)
    assert under_way.wait(60)
    assert_same(under_way.result(), expected)


@pytest.mark.parametrize("watched", [False, True])
def test_the_dispatchers_process_killed_loses_no_request(
    pool: EvaluationPool,
    request_: ScoreRequest,
    expected: EvaluationResult[Score],
    watched: bool,
) -> None:
    pool.executor.submit(request_).result()  # it is up
    under_way = pool.executor.submit(request_, (lambda *_: None) if watched else None)
    process = process_of(pool.dispatcher)
    os.kill(process, signal.SIGKILL)
    assert_same(under_way.result(), expected)
    assert process_of(pool.dispatcher) != process
    assert_same(pool.executor.submit(request_).result(), expected)


def process_of(actor: Any) -> int:
    reference: Any = actor.__ray_call__.remote(lambda _: os.getpid())
    return fetch(reference)


def test_a_checkpoint_that_cannot_be_read_is_told_to_who_asked_and_harms_no_one_else(
    pool: EvaluationPool, request_: ScoreRequest, expected: EvaluationResult[Score], tmp_path: Path
) -> None:
    broken = ScoreRequest(
        checkpoint=str(tmp_path / "none.pt"), dataset=request_.dataset, split="tune", purpose="test"
    )
    with pytest.raises(ValueError, match="there is no training checkpoint at") as error:
        pool.executor.submit(broken).result()
    assert "\n" not in str(error.value)
    assert_same(pool.executor.submit(request_).result(), expected)


@pytest.mark.parametrize(
    ("restarts", "reason"),
    [(-1, "died 4 times on images 0-15 of split tune"), (0, "no evaluation worker is left")],
)
def test_workers_that_die_on_every_chunk_end_the_request_with_the_reason(
    request_: ScoreRequest, restarts: int, reason: str
) -> None:
    class Dying:
        def run_chunk(self, *_: object) -> None:
            os._exit(1)

    worker: Any = ray.remote(Dying).options(num_cpus=0.1, max_restarts=restarts).remote()
    with pytest.raises(RuntimeError, match=reason):
        asyncio.run(score_with(worker, replace(request_, images=16)))
    ray.kill(worker)


async def score_with(worker: Any, request: ScoreRequest) -> EvaluationResult[Score]:
    return await Dispatcher([worker]).run(request)
