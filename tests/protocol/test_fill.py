from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from platform.protocol.card import Threshold
from platform.protocol.code_version import code_version
from platform.protocol.fill import Measured, cam_card, segmentation_card
from platform.workers.executor import LocalExecutor
from platform.workers.requests import ScoreRequest, SegmentationRequest
from platform.workers.worker import ScoringWorker
from tests.toco_core.small_run import small_recipe
from toco_core.crf import DenseCRF
from toco_core.data.identity import dataset_hash
from toco_core.data.ledger import MaskLedger
from toco_core.data.reader import open_dataset
from toco_core.scoring.segmentation_score import Method
from toco_core.settings import Recipe
from toco_core.trainer import Trainer

BKG = Threshold(value=0.4, source="--bkg")


@pytest.fixture(scope="module")
def checkpoint(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "one.pt"
    Trainer(small_recipe(seed=3), open_dataset(scenes)).save(path)
    return path


def measured(checkpoint: Path, scenes: Path, iteration: int | None, recipe: Recipe) -> Measured:
    ledger = MaskLedger()
    ledger.record("report", "evaluation", 4)
    return Measured(
        checkpoint=checkpoint,
        recipe=recipe,
        iteration=iteration,
        dataset=str(scenes),
        split="report",
        masks=ledger,
    )


def test_a_card_says_how_the_cams_were_scored(checkpoint: Path, scenes: Path) -> None:
    request = ScoreRequest(
        checkpoint=str(checkpoint), dataset=str(scenes), split="report", purpose="test", images=4
    )
    score = LocalExecutor(ScoringWorker()).submit(request).result().score
    what = measured(checkpoint, scenes, 0, small_recipe(seed=3))
    card = cam_card(what, score, BKG, BKG)
    assert (card.images, card.images_in_split, card.split) == (4, 16, "report")
    assert card.checkpoint_hash == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert card.dataset_hash == dataset_hash(open_dataset(scenes))
    assert (card.iteration, card.seed, card.scales) == ("0 of 8", 3, [1.0, 0.5])
    assert card.computed_on == ["cpu, float32"]
    assert card.masks_opened == {"report, evaluation:": 4}
    assert (card.weights, card.weights_hash) == ("random", None)
    assert "255" in card.ignored


@pytest.mark.crf
def test_a_card_says_how_the_segmentation_was_scored(checkpoint: Path, scenes: Path) -> None:
    request = SegmentationRequest(
        checkpoint=str(checkpoint),
        dataset=str(scenes),
        split="report",
        purpose="test",
        images=2,
        method=Method(scales=(1.0, 1.5), crf=True),
    )
    score = LocalExecutor(ScoringWorker()).submit(request).result().score
    what = measured(checkpoint, scenes, 8, small_recipe())
    cards = {v: segmentation_card(what, score, v, (1.0, 1.5)) for v in score.counts}
    assert (cards["single"].scales, cards["single"].mirror) == ([1.0], False)
    assert (cards["multi"].scales, cards["multi"].mirror, cards["multi"].crf) == (
        [1.0, 1.5],
        True,
        None,
    )
    crf = cards["crf"].crf
    assert crf
    assert crf["bilateral_sigma"] == DenseCRF().bilateral_sigma
    assert cards["crf"].image_labels_at_test == "none"
    assert cards["crf"].iteration == "the last, 8"


def test_what_cannot_be_known_says_so(checkpoint: Path, scenes: Path) -> None:
    recipe = small_recipe(backbone__weights=str(checkpoint.with_name("gone.pth")))
    lines = measured(checkpoint, scenes, None, recipe).common
    for name in ("iteration", "seed", "weights_hash"):
        assert lines[name].startswith("not known: ")


def test_the_backbone_of_the_package_has_a_hash(checkpoint: Path, scenes: Path) -> None:
    recipe = small_recipe(backbone__weights="embedded")
    assert len(measured(checkpoint, scenes, 8, recipe).common["weights_hash"]) == 64


def test_the_code_names_its_version() -> None:
    assert code_version()[0].isdigit()
