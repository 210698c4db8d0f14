"""Training cannot see a mask, and whoever opens one is in the ledger."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet as pq

from tests.data.conftest import MakeSplit
from tests.data.noise_dataset import CLASS_NAMES, encode, make_rows
from toco_core.data.loader import TrainLoader, evaluation_samples
from toco_core.data.reader import open_dataset
from toco_core.data.row_groups import RowGroups
from toco_core.data.schema import IMAGE_COLUMNS, MASK_COLUMN, SCHEMA
from toco_core.data.shards import Row
from toco_core.data.storage import DatasetError
from toco_core.data.writer import write_dataset
from toco_core.settings import ClassTokenContrast, Data, Recipe

RECIPE = Recipe(
    iterations=6,
    data=Data(crop_size=24, images_per_step=4),
    ctc=ClassTokenContrast(local_size=8),
)


@pytest.fixture
def tables_read(monkeypatch: pytest.MonkeyPatch) -> list[pa.Table]:
    """Return the list of all tables that Parquet files give out during the test."""
    tables: list[pa.Table] = []
    original = pq.ParquetFile.read_row_group

    def recording(self: pq.ParquetFile, *args: int, **kwargs: object) -> pa.Table:
        tables.append(original(self, *args, **kwargs))  # pyright: ignore[reportArgumentType]
        return tables[-1]

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", recording)
    return tables


def test_no_mask_leaves_the_file_in_training(
    make_split: MakeSplit, tables_read: list[pa.Table]
) -> None:
    split = make_split(13)
    assert len(list(TrainLoader(split, RECIPE).batches())) == RECIPE.iterations
    assert tables_read
    assert all(table.column_names == list(IMAGE_COLUMNS) for table in tables_read)
    assert split.ledger.total() == 0


def test_the_columns_of_training_are_all_but_the_mask() -> None:
    assert {*SCHEMA.names} - {*IMAGE_COLUMNS} == {MASK_COLUMN}


def test_training_needs_no_masks_at_all(tmp_path: Path) -> None:
    rows = {"train": make_rows(5, with_masks=False)}
    info = write_dataset(tmp_path, rows, class_names=CLASS_NAMES, source="noise")
    assert info.splits["train"].masks == 0
    split = open_dataset(tmp_path).split("train")
    assert next(TrainLoader(split, RECIPE).batches()).images.shape == (4, 3, 24, 24)
    with pytest.raises(DatasetError, match="row 'row3': the mask cannot be read: there is none"):
        split.masks([3], purpose="scoring")


def test_masks_come_back_and_each_is_counted(
    make_split: MakeSplit, tables_read: list[pa.Table]
) -> None:
    split = make_split(9)
    masks = split.masks([8, 0, 8], purpose="scoring")
    split.masks([1], purpose="report")
    assert [MASK_COLUMN] in [table.column_names for table in tables_read]
    for mask, index in zip(masks, [8, 0, 8], strict=True):
        written = make_rows(9)[index].mask
        assert written is not None
        np.testing.assert_array_equal(mask.numpy(), np.array(Image.open(io.BytesIO(written))))
    assert split.ledger.counts == {("train", "report"): 1, ("train", "scoring"): 3}


def test_scoring_reads_the_image_the_labels_and_the_mask(make_split: MakeSplit) -> None:
    split = make_split(9)
    samples = list(evaluation_samples(split, [2, 7], 32))
    assert [sample.name for sample in samples] == ["row2", "row7"]
    for sample, index in zip(samples, [2, 7], strict=True):
        row = split.row(index)
        assert sample.image.shape == (3, 32, 32)
        assert sample.mask.shape == (row.height, row.width)
        assert sample.class_labels.nonzero().flatten().tolist() == [c - 1 for c in row.labels]
    assert split.ledger.total("train") == 2


def test_a_copy_in_another_process_counts_for_itself(make_split: MakeSplit) -> None:
    split = make_split(9)
    split.masks([0, 1], purpose="scoring")
    copy = pickle.loads(pickle.dumps(split))  # as in an evaluation worker
    assert copy.ledger.total() == 0
    copy.masks([2], purpose="scoring")
    assert (split.ledger.total(), split.ledger.total("tune"), copy.ledger.total()) == (2, 0, 1)


def test_all_splits_of_a_dataset_share_one_ledger(tmp_path: Path) -> None:
    rows = {"train": make_rows(2), "tune": make_rows(3)}
    write_dataset(tmp_path, rows, class_names=CLASS_NAMES, source="noise")
    dataset = open_dataset(tmp_path)
    dataset.split("train").masks([0], purpose="scoring")
    dataset.split("tune").masks([0, 1], purpose="scoring")
    assert dataset.ledger.counts == {("train", "scoring"): 1, ("tune", "scoring"): 2}


def test_a_palette_mask_keeps_its_labels(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [3, 255]], np.uint8)
    picture = Image.fromarray(labels, mode="P")
    picture.putpalette([level for colour in range(256) for level in (colour, 0, 255 - colour)])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    row = Row("palette", encode(np.zeros((2, 2, 3), np.uint8)), [1], buffer.getvalue())
    write_dataset(tmp_path, {"tune": [row]}, class_names=CLASS_NAMES, source="noise")
    (mask,) = open_dataset(tmp_path).split("tune").masks([0], purpose="scoring")
    assert mask.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("mask", "problem"),
    [
        (np.full((4, 5), 4, np.uint8), r"label 4 is neither 0\.\.3 nor 255"),
        (np.zeros((4, 5, 3), np.uint8), "not of mode RGB"),
    ],
)
def test_a_foreign_mask_is_named(tmp_path: Path, mask: np.ndarray, problem: str) -> None:
    row = Row("odd", encode(np.zeros((4, 5, 3), np.uint8)), [1], encode(mask))
    write_dataset(tmp_path, {"tune": [row]}, class_names=CLASS_NAMES, source="noise")
    with pytest.raises(DatasetError, match=f"split tune, row 'odd': the mask .*{problem}"):
        open_dataset(tmp_path).split("tune").masks([0], purpose="scoring")


def test_the_cache_stays_within_its_bytes(
    make_split: MakeSplit, tables_read: list[pa.Table]
) -> None:
    split = make_split(20)  # five row groups
    one = max(split._images.table(group).nbytes for group in range(5))
    groups = RowGroups(split.location, split._shards, IMAGE_COLUMNS, cache_bytes=2 * one)
    tables_read.clear()
    for row in (0, 4, 8, 4, 8):  # the last two are still there
        groups.row(row)
    assert len(tables_read) == 3
    assert sum(group.table.nbytes for group in groups._cache.values()) <= 2 * one
    groups.row(0)
    assert len(tables_read) == 4
    assert groups.window == 1
    assert groups.most_kept == 2 * one < split.most_kept
    assert split.window >= 5
