"""The evaluation worker: its precision, and several chunks in work at once, as on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from platform.workers.executor import LocalExecutor
from platform.workers.requests import ScoreRequest
from platform.workers.worker import ScoringWorker
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset
from toco_core.scoring.cam import score_chunk
from toco_core.settings.overrides import apply_overrides
from toco_core.trained_network import load_trained
from toco_core.trainer import Trainer


@pytest.fixture(scope="module")
def request_(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> ScoreRequest:
    path = tmp_path_factory.mktemp("checkpoint") / "iteration-000001.pt"
    trainer = Trainer(small_recipe(), open_dataset(scenes))
    trainer.step()
    trainer.save(path)
    return ScoreRequest(checkpoint=str(path), dataset=str(scenes), split="tune", purpose="test")


def test_chunks_in_several_threads_are_those_of_one(request_: ScoreRequest) -> None:
    one, several = ScoringWorker(), ScoringWorker()
    several.chunks_at_once = 3
    expected, counted = (
        LocalExecutor(worker).submit(request_).result() for worker in (one, several)
    )
    np.testing.assert_array_equal(counted.score.final.iou, expected.score.final.iou)
    assert counted.score.token_similarity == expected.score.token_similarity
    assert counted.score.masks_opened == expected.score.masks_opened == 24


def test_images_are_read_while_another_thread_has_the_device(request_: ScoreRequest) -> None:
    split = open_dataset(request_.dataset).split("tune")
    recipe, model = load_trained(request_.checkpoint, split.info.num_classes)
    wants_the_device = threading.Event()
    device = threading.Lock()

    @contextmanager
    def turn() -> Iterator[None]:
        assert split.ledger.total() == 4, "all was read before"
        wants_the_device.set()
        with device:
            yield

    def score() -> int:
        chunk = score_chunk(model, recipe, split, range(4), purpose="test", turn=turn())
        return chunk.masks_opened

    with ThreadPoolExecutor(1) as thread:
        with device:
            waiting = thread.submit(score)
            assert wants_the_device.wait(60)
            assert not waiting.done()
        assert waiting.result() == 4


def test_the_recipe_decides_the_precision(request_: ScoreRequest) -> None:
    split = open_dataset(request_.dataset).split("tune")
    recipe, model = load_trained(request_.checkpoint, split.info.num_classes)
    for classifier in (model.classifier, model.aux_classifier):
        torch.nn.init.normal_(classifier.weight, generator=torch.Generator().manual_seed(0))
    in_bfloat16 = apply_overrides(recipe, {"compute.precision": "bfloat16"})
    half, whole = (
        score_chunk(model, one, split, range(8), purpose="test") for one in (in_bfloat16, recipe)
    )
    assert not np.array_equal(half.final.outcomes, whole.final.outcomes)
    best, expected = (chunk.final.curve().best().miou for chunk in (half, whole))
    assert best == pytest.approx(expected, abs=0.005)
