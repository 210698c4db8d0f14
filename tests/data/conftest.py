from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.data.noise_dataset import CLASS_NAMES, SIZES, make_rows
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.data.writer import write_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from toco_core.data.shards import ShardSizes


class MakeSplit(Protocol):
    def __call__(self, count: int, sizes: ShardSizes = SIZES) -> ParquetSplit: ...


@pytest.fixture
def make_split(tmp_path: Path) -> MakeSplit:
    """Return a function that writes a dataset of so many rows and opens its only split."""

    def make(count: int, sizes: ShardSizes = SIZES) -> ParquetSplit:
        root = tmp_path / f"{count}-{sizes.rows_per_group}-{sizes.rows_per_shard}"
        splits = {"train": make_rows(count)}
        write_dataset(root, splits, class_names=CLASS_NAMES, source="noise", sizes=sizes)
        return open_dataset(root).split("train")

    return make
