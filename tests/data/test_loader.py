"""Batches follow from recipe and iteration: ranks, workers and restarts change nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import fs

from tests.data.conftest import MakeSplit
from tests.data.noise_dataset import CLASS_NAMES, break_image, make_rows
from toco_core.data.batch import TrainBatch
from toco_core.data.images import decode_image
from toco_core.data.loader import TrainLoader, evaluation_samples
from toco_core.data.reader import open_dataset
from toco_core.data.storage import DatasetError, Location
from toco_core.data.writer import write_dataset
from toco_core.images import normalise
from toco_core.settings import ClassTokenContrast, Data, Recipe

RECIPE = Recipe(
    iterations=9,
    data=Data(crop_size=24, images_per_step=4),
    ctc=ClassTokenContrast(local_size=8),
)


TENSORS = [name for name in TrainBatch._fields if name not in ("names", "most_classes")]


def assert_equal(ours: TrainBatch, theirs: TrainBatch) -> None:
    assert (ours.names, ours.most_classes) == (theirs.names, theirs.most_classes)
    for name in TENSORS:
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name


def joined(parts: list[TrainBatch]) -> TrainBatch:
    return TrainBatch(
        **{name: torch.cat([getattr(part, name) for part in parts]) for name in TENSORS},
        names=[name for part in parts for name in part.names],
        most_classes=max(part.most_classes or 0 for part in parts),
    )


def test_a_batch_has_the_shapes_it_promises(make_split: MakeSplit) -> None:
    batch = next(TrainLoader(make_split(13), RECIPE).batches())
    for views in (batch.images, batch.global_view, batch.local_source):
        assert (views.shape, views.dtype) == ((4, 3, 24, 24), torch.uint8)
    assert (batch.class_labels.shape, batch.class_labels.dtype) == ((4, 3), torch.float32)
    assert (batch.boxes.shape, batch.boxes.dtype) == ((4, 4), torch.int64)
    assert (batch.crop_seeds.shape, batch.crop_seeds.dtype) == ((4,), torch.int64)
    assert len(batch.names) == 4
    assert batch.most_classes == batch.class_labels.sum(dim=1).max()


def test_labels_belong_to_the_named_rows(make_split: MakeSplit) -> None:
    split = make_split(13)
    rows = {row.name: row for row in map(split.row, range(13))}
    for batch in TrainLoader(split, RECIPE).batches():
        for name, labels in zip(batch.names, batch.class_labels, strict=True):
            assert torch.equal(labels, split.class_labels(rows[name]))


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_together_train_on_what_one_rank_does(make_split: MakeSplit, world_size: int) -> None:
    split = make_split(13)
    ranks = [TrainLoader(split, RECIPE, rank=r, world_size=world_size) for r in range(world_size)]
    alone = TrainLoader(split, RECIPE)
    for whole, *parts in zip(alone.batches(), *(rank.batches() for rank in ranks), strict=True):
        assert_equal(joined(parts), whole)


def test_a_resumed_run_sees_the_remaining_batches(make_split: MakeSplit) -> None:
    split = make_split(13)
    whole = list(TrainLoader(split, RECIPE).batches())
    assert len(whole) == RECIPE.iterations
    resumed = list(TrainLoader(open_dataset(split.location).split("train"), RECIPE).batches(5))
    for ours, theirs in zip(resumed, whole[5:], strict=True):
        assert_equal(ours, theirs)


def test_the_same_image_looks_different_in_the_next_epoch(make_split: MakeSplit) -> None:
    batches = list(TrainLoader(make_split(4), RECIPE).batches())
    seen = [batch.images[batch.names.index("row0")] for batch in batches]
    assert all(not torch.equal(seen[0], other) for other in seen[1:])


def test_seeds_change_the_batches(make_split: MakeSplit) -> None:
    split = make_split(13)
    ours, theirs = (
        next(TrainLoader(split, RECIPE.model_copy(update={"seed": seed})).batches())
        for seed in (0, 1)
    )
    assert not torch.equal(ours.images, theirs.images)


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [1, 2])
def test_loading_processes_change_nothing(make_split: MakeSplit, num_workers: int) -> None:
    split = make_split(13)
    here = TrainLoader(split, RECIPE).batches(2)
    there = TrainLoader(split, RECIPE, num_workers=num_workers).batches(2)
    for ours, theirs in zip(there, here, strict=True):
        assert_equal(ours, theirs)


@pytest.mark.slow
def test_loading_processes_read_a_remote_filesystem(tmp_path: Path) -> None:
    location = Location(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "bucket")
    write_dataset(location, {"train": make_rows(4)}, class_names=CLASS_NAMES, source="noise")
    split = open_dataset(location).split("train")
    there = TrainLoader(split, RECIPE, num_workers=1).batches(7)
    for ours, theirs in zip(there, TrainLoader(split, RECIPE).batches(7), strict=True):
        assert_equal(ours, theirs)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_loading_leaves_the_global_random_state_alone(
    make_split: MakeSplit, num_workers: int
) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    next(TrainLoader(make_split(13), RECIPE, num_workers=num_workers).batches())
    assert torch.equal(torch.get_rng_state(), before)


def test_an_uneven_share_is_refused_before_the_first_step(make_split: MakeSplit) -> None:
    with pytest.raises(ValueError, match="cannot be shared by 3 workers"):
        TrainLoader(make_split(13), RECIPE, rank=0, world_size=3)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_corrupt_image_stops_training_by_name(tmp_path: Path, num_workers: int) -> None:
    rows = {"train": [break_image(row) for row in make_rows(4)]}
    write_dataset(tmp_path, rows, class_names=CLASS_NAMES, source="noise")
    loader = TrainLoader(open_dataset(tmp_path).split("train"), RECIPE, num_workers=num_workers)
    with pytest.raises(
        DatasetError, match=r"split train, row 'row\d': the image cannot be read"
    ) as error:
        next(loader.batches())
    assert "\n" not in str(error.value)


def test_moving_a_batch_normalises_its_views_once(make_split: MakeSplit) -> None:
    batch = next(TrainLoader(make_split(13), RECIPE).batches())
    moved = batch.to("cpu")
    assert torch.equal(moved.images, normalise(batch.images))
    assert torch.equal(moved.class_labels, batch.class_labels)
    assert_equal(moved.to("cpu"), moved)


def test_an_image_of_the_right_size_is_scored_as_it_is(make_split: MakeSplit) -> None:
    split = make_split(13)
    row = split.row(0)
    (square,) = evaluation_samples(split, [0], 48)
    assert square.image.shape == (3, 48, 48)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    corner = torch.tensor(split.image(row).getpixel((0, 0))) / 255
    torch.testing.assert_close(square.image[:, 0, 0], (corner - mean) / std)


@pytest.mark.parametrize("quality", [30, 95])
def test_decoding_gives_the_pixels_that_pillow_gives(quality: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="JPEG", quality=quality)  # more than one piece
    with Image.open(buffer) as expected:
        assert np.array_equal(np.array(decode_image(buffer.getvalue())), np.array(expected))


def test_cut_batches_are_the_same_views_before_their_colours(make_split: MakeSplit) -> None:
    loader = TrainLoader(make_split(13), RECIPE)
    for cut, batch in zip(loader.cut_batches(2), loader.batches(2), strict=True):
        assert cut.rest.names == batch.names
        assert torch.equal(cut.rest.boxes, batch.boxes)
        assert torch.equal(cut.rest.crop_seeds, batch.crop_seeds)
        assert cut.crops.shape == cut.parts.shape == batch.images.shape
        assert len(cut.colours.orders) == 3 * len(batch.names)
        plain = (cut.colours.orders[: len(batch.names)] < 0).all(dim=1)
        plain &= cut.colours.flags[: len(batch.names)].sum(dim=1) == 0
        plain &= cut.colours.taps[: len(batch.names), 0] == 1.0  # no blur
        assert torch.equal(cut.crops[plain], batch.images[plain])
