"""Our shards, read by Hugging Face's `datasets`, as docs/data.md says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.noise_dataset import CLASS_NAMES, make_rows
from toco_core.data.reader import open_dataset
from toco_core.data.writer import write_dataset

datasets: Any = pytest.importorskip("datasets", reason="pip install datasets")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = {"train": make_rows(5, with_masks=False), "tune": make_rows(4, seed=1)}
    write_dataset(tmp_path / "own", rows, class_names=CLASS_NAMES, source="noise")
    return tmp_path / "own"


def load(root: Path, split: str, tmp_path: Path) -> Any:
    info = open_dataset(root).info
    files = [str(root / name) for name in info.splits[split].shards]
    return datasets.load_dataset(
        "parquet", data_files={split: files}, split=split, cache_dir=str(tmp_path / "cache")
    )


def test_images_labels_and_masks_are_those_of_the_shards(root: Path, tmp_path: Path) -> None:
    table = load(root, "tune", tmp_path)
    for column in ("image", "mask"):
        table = table.cast_column(column, datasets.Image())
    rows = make_rows(4, seed=1)
    assert len(table) == 4
    for ours, theirs in zip(rows, table, strict=True):
        assert (theirs["name"], theirs["labels"]) == (ours.name, ours.labels)
        assert ours.mask is not None
        for column, kept in (("image", ours.image), ("mask", ours.mask)):
            pixels = np.asarray(Image.open(io.BytesIO(kept)))
            assert np.array_equal(np.asarray(theirs[column]), pixels)
        assert theirs["image"].size == (theirs["width"], theirs["height"])


def test_a_split_without_masks_can_be_read_too(root: Path, tmp_path: Path) -> None:
    table = load(root, "train", tmp_path).cast_column("image", datasets.Image())
    assert [row["mask"] for row in table] == [None] * 5
    assert {row["image"].mode for row in table} == {"RGB"}
