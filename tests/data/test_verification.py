"""The check of a dataset finds what is wrong in any of its rows, and counts the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.noise_dataset import CLASS_NAMES, SIZES, break_image, encode, make_rows
from toco_core.data.images import image_size
from toco_core.data.reader import open_dataset
from toco_core.data.schema import SCHEMA
from toco_core.data.shards import Row
from toco_core.data.verification import SplitReport, verify_dataset
from toco_core.data.writer import write_dataset

ROWS = [row._replace(labels=[1, 2, 3]) for row in make_rows(14)]  # what their masks show


def verify(root: Path, processes: int = 1) -> dict[str, SplitReport]:
    dataset = open_dataset(root)
    return verify_dataset(dataset.location, dataset.info, processes)


def written(root: Path, rows: list[Row]) -> Path:
    write_dataset(root, {"tune": rows}, class_names=CLASS_NAMES, source="noise", sizes=SIZES)
    return root


@pytest.mark.parametrize("processes", [1, 2])
def test_a_good_dataset_has_no_problems_and_all_its_rows_are_counted(
    tmp_path: Path, processes: int
) -> None:
    splits = {"train": make_rows(6, with_masks=False), "tune": ROWS}
    write_dataset(tmp_path, splits, class_names=CLASS_NAMES, source="noise", sizes=SIZES)
    reports = verify(tmp_path, processes)
    train, tune = reports["train"], reports["tune"]
    assert (train.problems, tune.problems) == ([], [])
    assert (len(train.names), train.masks, dict(train.tally.shown)) == (6, 0, {})
    assert dict(train.labelled) == {1: 3, 2: 3, 3: 3}
    assert (len(tune.names), tune.masks) == (14, 14)
    assert dict(tune.labelled) == dict(tune.tally.shown) == {1: 14, 2: 14, 3: 14}


def test_progress_counts_the_images(tmp_path: Path) -> None:
    dataset = open_dataset(written(tmp_path, ROWS))
    calls: list[tuple[int, int]] = []
    verify_dataset(dataset.location, dataset.info, progress=lambda *call: calls.append(call))
    assert calls == [(4, 14), (8, 14), (12, 14), (14, 14)]


SIZE = image_size(ROWS[5].image)
FOREIGN = encode(np.full(SIZE, 4, np.uint8))
EMPTY = encode(np.zeros(SIZE, np.uint8))


def test_a_label_that_the_mask_does_not_show_is_no_problem(tmp_path: Path) -> None:
    report = verify(written(tmp_path, [ROWS[5]._replace(mask=EMPTY)]))["tune"]
    assert (report.problems, report.tally.hidden) == ([], 3)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (break_image(ROWS[5]), "row5: corrupt image: "),
        (
            ROWS[5]._replace(mask=FOREIGN),
            "row5: label without a class: label 4 of the mask",
        ),
        (
            ROWS[5]._replace(labels=[2]),
            "row5: mask without its label: the mask shows bird, bus, the labels do not",
        ),
        (ROWS[5]._replace(mask=ROWS[5].image), "row5: corrupt mask: .* not of mode RGB"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_still_counted(
    tmp_path: Path, bad: Row, problem: str
) -> None:
    report = verify(written(tmp_path, [*ROWS[:5], bad, *ROWS[6:]]))["tune"]
    (found,) = report.problems
    assert re.match(problem, str(found))
    assert len(report.names) == 14


def change_row(column: str, value: object) -> Callable[[Path], None]:
    """Write another value into row 1, past the checks of the writer."""

    def damage(shard: Path) -> None:
        rows = pq.read_table(shard).to_pylist()
        rows[1][column] = value
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), shard)

    return damage


def damage_page(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[content.index(ROWS[1].image) + 50] ^= 0xFF
    shard.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (damage_page, {"damaged shard", "wrong count"}),
        (lambda shard: shard.unlink(), {"damaged shard", "wrong count"}),
        (lambda shard: shard.write_bytes(b"PAR1"), {"damaged shard", "wrong count"}),
        (change_row("height", 3), {"wrong row"}),
        (change_row("labels", [3, 2, 1]), {"wrong row"}),
        (change_row("labels", [1, 2, 3, 4]), {"label without a class"}),
        (change_row("name", "row2"), {"wrong row"}),
        (change_row("name", "../row1"), {"wrong row"}),
        (change_row("mask", None), {"wrong count"}),
        (change_row("mask", encode(np.zeros((2, 2), np.uint8))), {"mask of another size"}),
    ],
)
def test_damage_after_the_writing_is_found(
    tmp_path: Path, damage: Callable[[Path], None], kinds: set[str]
) -> None:
    written(tmp_path, ROWS)
    damage(tmp_path / "tune-00000.parquet")
    report = verify(tmp_path)["tune"]
    assert {problem.kind for problem in report.problems} == kinds
