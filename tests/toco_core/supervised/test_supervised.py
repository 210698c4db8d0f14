"""Image and labels stay together, and pixels that do not count teach nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.toco_core.small_run import small_dataset, small_recipe
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.reader import ParquetDataset
from toco_core.settings import Data
from toco_core.supervised.labels import LabelFiles, survey
from toco_core.supervised.loader import LabelledLoader, augment
from toco_core.supervised.trainer import SupervisedTrainer, cross_entropy_sum

CHOSEN = (1, 4, 9)  # rows that have labels


@pytest.fixture
def dataset(tmp_path: Path) -> ParquetDataset:
    return small_dataset(tmp_path / "noise")


@pytest.fixture
def labels(dataset: ParquetDataset, tmp_path: Path) -> LabelFiles:
    """The label of every pixel of a file is the row of its image, modulo the classes."""
    split, files = dataset.split("train"), dict[int, Path]()
    for index in CHOSEN:
        row, path = split.row(index), tmp_path / f"{index}.png"
        Image.fromarray(np.full((row.height, row.width), index % 3, np.uint8)).save(path)
        files[index] = path
    return LabelFiles(files)


@pytest.mark.parametrize("seed", range(8))
def test_labels_are_cut_where_their_image_is(seed: int) -> None:
    # the image is black and white by blocks, and its labels say which; nearest keeps both exact
    blocks = np.kron(np.random.default_rng(seed).integers(2, size=(6, 9)), np.ones((16, 16)))
    image = Image.fromarray((blocks * 155 + 100).astype(np.uint8)).convert("RGB")
    labels = Image.fromarray(blocks.astype(np.uint8))
    data = Data(crop_size=64, scale_range=(0.5, 1.5))
    pixels, target = augment(image, labels, data, SampleRandom(seed), 255)
    assert pixels.shape == (3, 64, 64)
    outside = pixels[0] == 0
    assert torch.equal(outside, target == 255)
    sure = ~outside & ((pixels[0] == 100) | (pixels[0] == 255))
    right = (pixels[0] == 255) == (target == 1)
    assert right[sure].float().mean() > 0.98  # but where blocks meet
    assert sure.sum() > 0.5 * (~outside).sum()


def test_only_images_with_labels_are_trained_on_each_once_an_epoch(
    dataset: ParquetDataset, labels: LabelFiles
) -> None:
    recipe = small_recipe(iterations=3, data__images_per_step=1)
    loader = LabelledLoader(dataset.split("train"), labels, recipe)
    seen = [int(batch.labels[batch.labels != 255][0]) for batch in loader.batches()]
    assert sorted(seen) == sorted(index % 3 for index in CHOSEN)


def test_loading_processes_give_the_same_batches(
    dataset: ParquetDataset, labels: LabelFiles
) -> None:
    split, recipe = dataset.split("train"), small_recipe(iterations=2)
    here, there = (
        list(LabelledLoader(split, labels, recipe, num_workers=workers).batches())
        for workers in (0, 1)
    )
    assert all(map(torch.equal, *(sum(map(tuple, one), ()) for one in (here, there))))


def test_the_survey_knows_one_set_of_labels_from_another(
    dataset: ParquetDataset, labels: LabelFiles
) -> None:
    split = dataset.split("train")
    before = survey(labels, split)
    assert before.share(0) + before.share(1) == pytest.approx(1.0)
    row, path = split.row(4), labels.files[4]
    Image.fromarray(np.full((row.height, row.width), 255, np.uint8)).save(path)
    after = survey(labels, split)
    assert after.sha256 != before.sha256
    assert after.share(255) > 0


def test_the_loss_is_that_of_the_pixels_that_count() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 8, 8)
    labels = torch.randint(4, (2, 8, 8), dtype=torch.uint8)
    labels[:, :3] = 255
    expected = F.cross_entropy(logits[:, :, 3:], labels[:, 3:].long(), reduction="sum")
    assert cross_entropy_sum(logits, labels, 255) == pytest.approx(expected.item(), rel=1e-5)


def test_a_step_in_parts_is_a_step(dataset: ParquetDataset, labels: LabelFiles) -> None:
    losses = []
    for parts in (1, 2):
        trainer = SupervisedTrainer(small_recipe(compute__parts=parts), dataset, labels)
        losses.append([trainer.step()["total"] for _ in range(4)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_labels_of_nothing_but_ignored_pixels_move_no_weight_to_nan(
    dataset: ParquetDataset, labels: LabelFiles
) -> None:
    split = dataset.split("train")
    for index, path in labels.files.items():
        row = split.row(index)
        Image.fromarray(np.full((row.height, row.width), 255, np.uint8)).save(path)
    trainer = SupervisedTrainer(small_recipe(), dataset, labels)
    assert trainer.step() == {"total": 0.0}
    assert all(torch.isfinite(weight).all() for weight in trainer.model.parameters())
