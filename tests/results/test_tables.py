from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform.results import parquet_files
from platform.results.curves import CURVES_SCHEMA, compact, read_curves
from platform.results.events import Event, SearchEnded, TrialEnded
from platform.results.parameters import ParameterValue
from platform.results.row_blocks import BLOCK, RowBlocks
from platform.results.search_state import fold
from platform.results.tables import TrialTables, read_trials
from platform.results.trial_columns import column_type, rows_to_table
from tests.results.streams import (
    NOON,
    SteppedClock,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)


def write(directory: Path, *events: Event) -> None:
    tables = TrialTables(directory, SteppedClock())
    for event in events:
        tables.handle(event)


def test_a_trial_is_a_row_with_its_parameters_as_columns(tmp_path: Path) -> None:
    write(
        tmp_path,
        search_started(),
        trial_started(0, params={"weights.ptc": 0.2, "backbone.aux_layer": -3}),
        scored(0, 600, 0.4),
        TrialEnded(number=0, state="complete", score=0.4),
    )
    noon = datetime.fromtimestamp(NOON, UTC)
    assert pq.read_table(tmp_path / "trials.parquet").to_pylist() == [
        {
            "number": 0,
            "state": "complete",
            "params.weights.ptc": 0.2,
            "params.backbone.aux_layer": -3,
            "iteration": 600,
            "first_iteration": 0,
            "scored_iteration": 600,
            "score": 0.4,
            "best_score": 0.4,
            "aux_score": pytest.approx(0.35),
            "bkg": 0.43,
            "f1": 0.9,
            "agreement": 0.6,
            "unsupervised": 0.6,
            "workers": 1.0,
            "seconds_training": 30.0,
            "seconds_scoring": 5.0,
            "mask_reads": 40,
            "started": noon,
            "ended": noon,
            "reason": "",
            "retries": 0,
            "machines_lost": 0,
            "preemptions": 0,
            "lost_iterations": 0,
            "shared_iterations": 0,
        }
    ]


def test_a_score_is_a_row_of_the_curves_without_its_pictures(tmp_path: Path) -> None:
    event = scored(1, 120, 0.3, class_iou=[0.8, math.nan], pictures=[b"png"])
    write(tmp_path, search_started(), trial_started(1), event, SearchEnded())
    table = pq.read_table(tmp_path / "curves.parquet")
    assert table.schema.equals(CURVES_SCHEMA)
    (row,) = table.to_pylist()
    assert (row["number"], row["iteration"], row["curve"]) == (1, 120, [0.15, 0.3])
    assert row["class_iou"] == [0.8, pytest.approx(math.nan, nan_ok=True)]
    assert row["token_similarity"] == [0.1, 0.7]


def test_a_parameter_that_a_trial_does_not_have_is_null(tmp_path: Path) -> None:
    write(
        tmp_path,
        search_started(),
        trial_started(0, params={"a.x": 1}),
        trial_started(1, params={"a.x": 2, "b.y": "cosine"}),
    )
    table = pq.read_table(tmp_path / "trials.parquet")
    assert table["params.b.y"].to_pylist() == [None, "cosine"]
    assert [dict(row.params) for row in read_trials(tmp_path)] == [
        {"a.x": 1},
        {"a.x": 2, "b.y": "cosine"},
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], pa.bool_()),
        ([1, -3], pa.int64()),
        ([1, 0.5], pa.float64()),
        (["a", "b"], pa.string()),
        ([1, "auto"], pa.string()),
        ([True, 1], pa.string()),  # yes and 1 are not the same choice
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_all_values(
    values: list[ParameterValue], expected: pa.DataType
) -> None:
    assert column_type(values) == expected


def test_values_of_mixed_types_are_kept_as_text(tmp_path: Path) -> None:
    write(
        tmp_path,
        search_started(),
        trial_started(0, params={"a.x": 1}),
        trial_started(1, params={"a.x": "auto"}),
    )
    table = pq.read_table(tmp_path / "trials.parquet")
    assert table["params.a.x"].to_pylist() == ["1", "auto"]


def test_reading_gives_back_the_rows_that_were_folded(tmp_path: Path) -> None:
    events: list[Event] = [
        search_started(),
        trial_started(0),
        trial_started(2),
        scored(2, 120, 0.2),
        scored(0, 120, 0.3),
        TrialEnded(number=2, state="pruned", score=0.2, reason="rung 120"),
    ]
    write(tmp_path, *events)
    assert read_trials(tmp_path) == fold_all(events).trials


def test_a_resumed_search_keeps_what_was_and_replaces_what_is_scored_again(tmp_path: Path) -> None:
    write(
        tmp_path,
        search_started(),
        trial_started(0),
        scored(0, 120, 0.2),
        TrialEnded(number=0, state="complete", score=0.2),
        trial_started(1),
        scored(1, 120, 0.1),
        scored(1, 240, 0.2),
        SearchEnded(interrupted=True),
    )
    write(
        tmp_path,
        search_started(resumed=2),
        trial_started(1, iteration=120),
        scored(1, 240, 0.25),
        scored(1, 360, 0.3),
    )
    curves = [(row["number"], row["iteration"], row["score"]) for row in read_curves(tmp_path)]
    assert curves == [(0, 120, 0.2), (1, 120, 0.1), (1, 240, 0.25), (1, 360, 0.3)]
    states = [(row.number, row.state, row.score) for row in read_trials(tmp_path)]
    assert states == [(0, "complete", 0.2), (1, "running", 0.3)]


def test_a_trial_that_is_not_back_yet_stays_in_the_table(tmp_path: Path) -> None:
    write(tmp_path, search_started(), trial_started(0))  # killed: no SearchEnded
    write(tmp_path, search_started(resumed=1))
    assert [(row.number, row.state) for row in read_trials(tmp_path)] == [(0, "unfinished")]


def test_a_new_search_does_not_take_over_old_trials(tmp_path: Path) -> None:
    write(tmp_path, search_started(), trial_started(0), scored(0, 120, 0.2))
    write(tmp_path, search_started())
    assert read_trials(tmp_path) == []
    assert read_curves(tmp_path) == []


def test_only_whole_tables_are_ever_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = TrialTables(tmp_path, SteppedClock())
    tables.handle(search_started())
    tables.handle(trial_started(0))

    whole = Path.write_bytes

    def write_half(path: Path, content: bytes) -> int:
        whole(path, content[: len(content) // 2])
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_half)
        with pytest.raises(OSError, match="disk full"):
            tables.handle(TrialEnded(number=0, state="complete", score=None))
    assert [row.state for row in read_trials(tmp_path)] == ["running"]


def test_progress_between_scores_does_not_rewrite_the_tables(tmp_path: Path) -> None:
    tables = TrialTables(tmp_path, SteppedClock())
    tables.handle(search_started())
    tables.handle(trial_started(0))
    before = (tmp_path / "trials.parquet").stat().st_ino
    tables.handle(progressed(0, 120))
    assert (tmp_path / "trials.parquet").stat().st_ino == before


def files(directory: Path) -> list[str]:
    paths = directory.rglob("*")
    return sorted(str(path.relative_to(directory)) for path in paths if path.is_file())


def test_a_score_is_written_once_and_the_table_only_at_the_end(tmp_path: Path) -> None:
    tables = TrialTables(tmp_path, SteppedClock())
    tables.handle(search_started())
    tables.handle(trial_started(0))
    whole = (tmp_path / "curves.parquet").stat().st_ino
    for iteration in (120, 240, 360):
        tables.handle(scored(0, iteration, iteration / 1000))
        assert (tmp_path / "curves.parquet").stat().st_ino == whole
    assert [row["score"] for row in read_curves(tmp_path)] == [0.12, 0.24, 0.36]
    tables.handle(SearchEnded())
    assert files(tmp_path) == ["curves.parquet", "trials.parquet"]
    assert pq.read_table(tmp_path / "curves.parquet")["score"].to_pylist() == [0.12, 0.24, 0.36]


def test_scores_of_a_search_that_was_killed_are_all_there(tmp_path: Path) -> None:
    write(tmp_path, search_started(), trial_started(0), scored(0, 120, 0.1), scored(0, 240, 0.2))
    write(tmp_path, search_started(resumed=1), trial_started(0, iteration=120))
    write(tmp_path, search_started(resumed=1), scored(0, 240, 0.25), scored(0, 360, 0.3))
    rows = [(row["iteration"], row["score"]) for row in read_curves(tmp_path)]
    assert rows == [(120, 0.1), (240, 0.25), (360, 0.3)]


@pytest.mark.parametrize("crash_in", ["the table", "the parts"])
def test_a_crash_while_parts_become_the_table_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_in: str
) -> None:
    events = search_started(), trial_started(0), scored(0, 120, 0.1), scored(0, 240, 0.2)
    write(tmp_path, *events)
    parts = read_curves(tmp_path)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(
            *((parquet_files.pq, "write_table") if crash_in == "the table" else (Path, "unlink")),
            crash,
        )
        with pytest.raises(KeyboardInterrupt):
            compact(tmp_path)
    for _ in range(2):
        assert read_curves(tmp_path) == parts
        compact(tmp_path)
    assert files(tmp_path) == ["curves.parquet", "trials.parquet"]


def test_what_is_written_grows_as_the_scores_do(tmp_path: Path) -> None:
    def written(scores: int) -> int:
        directory = tmp_path / str(scores)
        tables = TrialTables(directory, SteppedClock())
        total = 0
        tables.handle(search_started())
        tables.handle(trial_started(0))
        for iteration in range(scores):
            before = {path: path.stat().st_ino for path in directory.rglob("*curves*/*")}
            before[directory / "curves.parquet"] = (directory / "curves.parquet").stat().st_ino
            tables.handle(scored(0, iteration, 0.3))
            now = [*directory.rglob("*curves*/*"), directory / "curves.parquet"]
            total += sum(p.stat().st_size for p in now if p.stat().st_ino != before.get(p))
        return total

    assert written(40) < 4.2 * written(10)


def test_nothing_is_read_where_no_table_is(tmp_path: Path) -> None:
    assert read_trials(tmp_path) == []
    assert read_curves(tmp_path) == []


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.parquet").write_bytes(b"not Parquet")
    with pytest.raises(ValueError, match=r"trials\.parquet is not a Parquet table, or a damaged"):
        read_trials(tmp_path)


def test_another_table_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    pq.write_table(pa.table({"number": [0]}), tmp_path / "trials.parquet")
    with pytest.raises(ValueError, match="not a table of trials: it has no column state"):
        read_trials(tmp_path)


def test_a_table_from_before_retries_were_counted_can_be_read(tmp_path: Path) -> None:
    write(tmp_path, search_started(), trial_started(0))
    path = tmp_path / "trials.parquet"
    younger = ["retries", "machines_lost", "preemptions", "lost_iterations", "shared_iterations"]
    pq.write_table(pq.read_table(path).drop_columns(younger), path)
    (row,) = read_trials(tmp_path)
    assert [getattr(row, name) for name in younger] == [0, 0, 0, 0, 0]


def test_a_table_made_by_blocks_is_the_whole_one_whatever_changed() -> None:
    blocks = RowBlocks()
    numbers = range(2 * BLOCK + 5)
    state = fold_all([search_started(trials=200), *(trial_started(n) for n in numbers)])
    assert blocks.table(state.trials) == rows_to_table(state.trials)
    ends = [TrialEnded(number=n, state="complete", score=0.1) for n in (0, BLOCK, 2 * BLOCK + 4)]
    new = trial_started(len(numbers), params={"weights.ctc": 1.0})
    for event in (scored(3, 120, 0.5), *ends, new):
        state = fold(state, event, NOON)
        assert blocks.table(state.trials) == rows_to_table(state.trials)
