"""What masks were worth to a search, read off its directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from platform.report.mask_worth import in_words, mask_worth, masks_worth_table
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.results.counts import delete_counts, write_counts
from tests.report.made_up import CONFIRMED_TRIAL, IMAGES, confirm, make_search
from tests.results.made_counts import made_counts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search whose trials all come to their end."""
    path = tmp_path_factory.mktemp("reports") / "whole"
    make_search(path, 7, pruner="none")
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


def complete(searched: Searched) -> list[int]:
    return sorted(searched.judgement.worth)


def test_none_choose_by_what_is_known_without_masks_and_all_by_the_score(whole: Path) -> None:
    searched = read_search(whole)
    worth = mask_worth(searched)
    assert worth is not None
    rows = {row["number"]: row for row in last_rows(searched)}
    assert list(worth.candidates) == complete(searched) == sorted(rows)
    blind = max(rows, key=lambda number: (rows[number]["unsupervised"], -number))
    by_all = max(rows, key=lambda number: max(rows[number]["curve"]))
    assert (worth.budgets[0].masks, worth.budgets[0].chosen) == (0, {blind: 1.0})
    assert worth.budgets[0].threshold == searched.recipe.thresholds.bkg
    assert worth.best == (by_all, np.argmax(rows[by_all]["curve"]) / 100)
    assert [row[0] for row in masks_worth_table(worth).rows] == [0, 20, IMAGES]
    assert worth.left_out == []
    assert f"trial {by_all}" in in_words(worth, searched)[0]


def last_rows(searched: Searched) -> list[dict]:
    table = pq.read_table(searched.directory / "curves.parquet").to_pylist()
    ended = [row for row in table if row["iteration"] == searched.recipe.iterations]
    return [row for row in ended if row["number"] in searched.judgement.worth]


def test_counts_that_do_not_belong_to_the_score_are_left_out_by_name(copy: Path) -> None:
    searched = read_search(copy)
    first, second, third, fourth, *others = complete(searched)
    write_counts(copy, first, made_counts(99, images=IMAGES))
    write_counts(copy, second, made_counts(second, images=IMAGES - 1))
    (copy / "counts" / f"trial-{third:04d}.parquet").unlink()
    (copy / "counts" / f"trial-{fourth:04d}.parquet").write_bytes(b"PAR1")
    worth = mask_worth(searched)
    assert worth is not None
    assert list(worth.candidates) == others
    text = "; ".join(worth.left_out)
    assert f"trial {first}: its counts by image are not those of its last score" in text
    assert f"trial {second}: was scored on other images or masks than most" in text
    assert f"trial {third}: has no counts by image" in text
    assert f"trial-{fourth:04d}.parquet is not a Parquet table" in text
    assert text in " ".join(in_words(worth, searched))


def test_less_than_two_trials_with_counts_leave_nothing_to_choose(copy: Path) -> None:
    searched = read_search(copy)
    for number in complete(searched)[1:]:
        delete_counts(copy, number)
    assert mask_worth(searched) is None


def test_what_a_confirmation_knows_stands_beside(copy: Path) -> None:
    searched = read_search(copy)
    number = complete(searched)[0]
    confirm(copy, number)
    worth = mask_worth(read_search(copy))
    assert worth is not None
    mean = sum(CONFIRMED_TRIAL) / 3
    assert worth.confirmed[number] == mean
    for row in masks_worth_table(worth).rows:
        assert row[-1] == (mean if row[1] == f"trial {number}" else None)
        assert row[-2] == searched.report[int(str(row[1]).split()[1])].miou
    confirm(copy, number, objective="f1")
    again = mask_worth(read_search(copy))
    assert again is not None
    assert again.confirmed == {}
