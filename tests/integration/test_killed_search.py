"""The command killed at a given record of its journal, time after time, until its search ends."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from optuna.storages.journal._storage import JournalOperation

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search, Session

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

ARGUMENTS = ("--trials", "3", "--concurrent", "1", "--sampler", "random", "--pruner", "none")
ASK, REPORT, TELL = (
    JournalOperation.SET_TRIAL_PARAM,  # the trial is asked for, and half its parameters are known
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE,
    JournalOperation.SET_TRIAL_STATE_VALUES,
)
# After so many records of a kind that the session writes, it is killed; twice in a row each.
MOMENTS = [(ASK, 2), (ASK, 2), (REPORT, 1), (REPORT, 5), (TELL, 1), (TELL, 2), (REPORT, 1)]


def test_a_search_that_is_killed_between_ask_report_and_tell_ends_as_one_that_is_not(
    scenes: Path, tmp_path: Path
) -> None:
    undisturbed = Search(data=scenes, directory=tmp_path / "whole", arguments=ARGUMENTS)
    assert undisturbed.run().wait() == 0
    search = Search(data=scenes, directory=tmp_path / "killed", arguments=ARGUMENTS)
    kills = [_kill_after(search, kind, count) for kind, count in MOMENTS]
    print(f"records before each kill: {kills}")
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert search.scores() == undisturbed.scores()
    assert _rows(search) == _rows(undisturbed)
    scored = [(row["number"], row["iteration"]) for row in read_curves(search.results)]
    assert len(scored) == len(set(scored))


def _kill_after(search: Search, kind: JournalOperation, count: int) -> int:
    """Kill a session once it has written so many records of a kind; return how many there are."""
    before = _records(search, kind)
    session = search.start()
    _wait_for_record(search, session, kind, before + count)
    session.kill()  # its Ray notices that within seconds; the next session does not wait for it
    return len(_journal(search))


def _wait_for_record(search: Search, session: Session, kind: JournalOperation, count: int) -> None:
    deadline = time.monotonic() + 300
    while _records(search, kind) < count:
        assert not session.is_over(), session.output + session.errors
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _records(search: Search, kind: JournalOperation) -> int:
    return sum(record.get("op_code") == kind for record in _journal(search))


def _journal(search: Search) -> list[dict[str, object]]:
    path = search.results / "study.journal"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _rows(search: Search) -> list[tuple[object, ...]]:
    return [(row.number, row.state, row.score, row.reason) for row in read_trials(search.results)]
