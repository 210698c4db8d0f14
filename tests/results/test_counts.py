"""Counts by image are those of the last training of each complete trial, and of no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platform.results.counts import read_counts, write_counts
from platform.results.events import SearchEnded, TrialEnded, TrialScored
from platform.results.tables import TrialTables
from tests.results.made_counts import made_counts
from tests.results.streams import SteppedClock, scored, search_started, trial_started
from toco_core.scoring.image_counts import ImageCounts


def last_score(number: int, skill: float) -> TrialScored:
    return replace(scored(number, 600, skill), counts=made_counts(number, skill=skill))


def same(one: ImageCounts | None, other: ImageCounts) -> bool:
    arrays = ("image", "label", "truth", "outcomes")
    return (
        one is not None
        and (one.images, one.classes) == (other.images, other.classes)
        and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
    )


def test_a_search_keeps_the_counts_of_its_complete_trials_alone(tmp_path: Path) -> None:
    tables = TrialTables(tmp_path, SteppedClock())
    tables.handle(search_started())
    for number in range(3):
        tables.handle(trial_started(number))
    tables.handle(scored(0, 300, 0.3))
    assert read_counts(tmp_path, 0) is None
    tables.handle(last_score(0, 0.4))
    tables.handle(TrialEnded(number=0, state="complete", score=0.4))
    tables.handle(last_score(1, 0.5))  # whose score was not finite, by another objective
    tables.handle(TrialEnded(number=1, state="failed", score=None))
    tables.handle(scored(2, 300, 0.2))
    tables.handle(TrialEnded(number=2, state="pruned", score=0.2))
    tables.handle(last_score(2, 0.2))  # which was on its way
    tables.handle(SearchEnded())
    assert [path.name for path in (tmp_path / "counts").iterdir()] == ["trial-0000.parquet"]
    assert same(read_counts(tmp_path, 0), made_counts(0, skill=0.4))


def test_a_trial_that_is_scored_again_has_its_new_counts(tmp_path: Path) -> None:
    tables = TrialTables(tmp_path, SteppedClock())
    tables.handle(search_started())
    tables.handle(trial_started(0))
    tables.handle(last_score(0, 0.4))
    later = TrialTables(tmp_path, SteppedClock())  # the session broke before the study had it
    later.handle(search_started(resumed=1))
    assert same(read_counts(tmp_path, 0), made_counts(0, skill=0.4))
    later.handle(last_score(0, 0.6))
    assert same(read_counts(tmp_path, 0), made_counts(0, skill=0.6))


def test_a_search_that_begins_anew_has_none_of_an_earlier_one(tmp_path: Path) -> None:
    write_counts(tmp_path, 5, made_counts(5))
    TrialTables(tmp_path, SteppedClock()).handle(search_started())
    assert read_counts(tmp_path, 5) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write_counts(tmp_path, 3, made_counts(3))
    path = tmp_path / "counts" / "trial-0003.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"trial-0003\.parquet is not a Parquet table"):
        read_counts(tmp_path, 3)
