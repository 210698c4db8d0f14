"""The table of second stages: true labels are right, and what is ordered alike correlates."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.second_stage import MASKS, Row, label_miou, table, write_masks
from platform.second_stage.exported import read_export
from toco_core.data.reader import open_dataset

IMAGES = 4


def row(name: str, cam: float, labels: float, second: float) -> Row:
    return Row(
        name=name,
        iteration=20,
        bkg=0.3,
        cam_miou=cam,
        label_miou=labels,
        second_miou=second,
        seeds=[second],
    )


def test_drawn_masks_are_the_labels_of_the_dataset(scenes: Path, tmp_path: Path) -> None:
    split = open_dataset(scenes).split("train")
    write_masks(tmp_path, split, IMAGES)
    assert label_miou(tmp_path, split, IMAGES) == pytest.approx(1.0)
    assert read_export(tmp_path, split).files.indices == list(range(IMAGES))


def test_the_table_correlates_all_rows_but_the_upper_bound() -> None:
    rows = [row(str(k), 0.1 * k, 0.9 - 0.1 * k, 0.3 + 0.01 * k) for k in range(6)]
    text = table([*rows, row(MASKS, float("nan"), 1.0, 0.1)])
    assert "cam_miou and second stage, 6: Spearman 1.00" in text
    assert "label_miou and second stage, 6: Spearman -1.00" in text
    assert "| masks | – | – | 100.0 | 10.0 |" in text
