"""The command killed at a given record of its journal, time after time, until its search ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search, Session

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

ARGUMENTS = ("--trials", "3", "--concurrent", "1", "--sampler", "random", "--pruner", "none")
Record = dict[str, object]


def _ask(record: Record) -> bool:
    """Whether a parameter is known of a trial that was asked for."""
    return record.get("op_code") == JournalOperation.SET_TRIAL_PARAM


def _report(record: Record) -> bool:
    return record.get("op_code") == JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE


def _tell(record: Record) -> bool:
    states = record.get("op_code") == JournalOperation.SET_TRIAL_STATE_VALUES
    return states and record.get("state") == TrialState.COMPLETE


# A session is killed once the journal has so many records of a kind: twice in a row with half the
# parameters of a trial, after its first score, after its last one, and after its end.
MOMENTS = [(_ask, 2), (_ask, 4), (_report, 1), (_report, 5), (_tell, 1), (_report, 10), (_tell, 2)]


def test_a_search_that_is_killed_between_ask_report_and_tell_ends_as_one_that_is_not(
    scenes: Path, tmp_path: Path
) -> None:
    undisturbed = Search(data=scenes, directory=tmp_path / "whole", arguments=ARGUMENTS)
    assert undisturbed.run().wait() == 0
    search = Search(data=scenes, directory=tmp_path / "killed", arguments=ARGUMENTS)
    kills = [_kill_at(search, kind, count) for kind, count in MOMENTS]
    print(f"records at each kill: {kills}")
    assert len(set(kills)) >= 5  # a kill may come late, past the next moment
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert search.scores() == undisturbed.scores()
    assert _rows(search) == _rows(undisturbed)
    scored = [(row["number"], row["iteration"]) for row in read_curves(search.results)]
    assert len(scored) == len(set(scored))


def _kill_at(search: Search, kind: Callable[[Record], bool], count: int) -> int:
    """Kill a session once there are so many records of a kind; return how many there are in all."""
    if _count(search, kind) < count:
        session = search.start()
        _wait_for_records(search, session, kind, count)
        session.kill()  # its Ray notices that within seconds; the next one does not wait for it
    return len(_journal(search))


def _wait_for_records(
    search: Search, session: Session, kind: Callable[[Record], bool], count: int
) -> None:
    deadline, seen = time.monotonic() + 300, -1
    while True:  # quick, so that the kill comes right after the record
        size = _size(search)
        if size != seen and _count(search, kind) >= count:
            return
        assert not session.is_over(), session.output + session.errors
        assert time.monotonic() < deadline
        seen = size
        time.sleep(0.002)


def _size(search: Search) -> int:
    path = search.results / "study.journal"
    return path.stat().st_size if path.exists() else 0


def _count(search: Search, kind: Callable[[Record], bool]) -> int:
    return sum(map(kind, _journal(search)))


def _journal(search: Search) -> list[Record]:
    path = search.results / "study.journal"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _rows(search: Search) -> list[tuple[object, ...]]:
    return [(row.number, row.state, row.score, row.reason) for row in read_trials(search.results)]
