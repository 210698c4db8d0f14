from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from platform.lock import is_held, only_one
from platform.mirror.lock import RemoteLock
from platform.results.events import TrialEnded, TrialStarted
from platform.results.state_file import Phase, Word, read_word
from platform.results.tables import TrialTables
from platform.search.condition import SILENT_SECONDS, Condition, condition_of
from platform.search.status import print_status
from tests.results.streams import NOON, SteppedClock, scored, trial_started
from tests.results.test_state_file import START, run
from toco_core.remote_path import RemotePath

WORD = Word(
    phase="running",
    pid=1,
    host=socket.gethostname(),
    heard=NOON,
    began=NOON,
    slots=1,
    search={},
    in_work=[],
)


@pytest.mark.parametrize(
    ("phase", "held", "after", "condition"),
    [
        ("running", True, 5.0, "running"),
        ("scoring the winner", True, 5.0, "running"),
        ("running", True, SILENT_SECONDS + 1, "silent"),
        ("running", False, 5.0, "gone"),
        ("finished", False, 5.0, "over"),
        ("interrupted", False, 5.0, "over"),
        ("interrupted", True, 5.0, "starting"),
    ],
)
def test_lock_and_last_word_together_say_what_became_of_the_process(
    phase: Phase, held: bool, after: float, condition: Condition
) -> None:
    assert condition_of(replace(WORD, phase=phase), held, NOON + after) == condition


def test_the_lock_of_another_machine_need_not_be_seen() -> None:
    word = replace(WORD, host="elsewhere")
    assert condition_of(word, False, NOON + 5) == "running"
    assert condition_of(word, False, NOON + SILENT_SECONDS + 1) == "gone"


def test_a_search_that_runs_is_shown_with_its_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "a"
    directory.mkdir()
    state_file = run(directory, SteppedClock())
    with only_one(directory):
        assert print_status("a", tmp_path, as_json=False) == 0
        shown = capsys.readouterr().out
    state_file.close()
    assert shown.startswith("search a: running, but silent: last heard of ")
    assert "1 of 4 trials done, 0 pruned, 0 failed  best 40.0 (trial 0)" in shown
    assert "1 trial waits for a machine with 1 GPU" in shown
    cells = [line.split() for line in shown.splitlines()]
    assert ["1", "running", "10.0.0.2", "120/600", "0.1", "–", "0"] in cells


def test_a_search_that_was_killed_is_told_from_one_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "a"
    directory.mkdir()
    run(directory, SteppedClock()).close()
    assert print_status("a", tmp_path, as_json=True) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["condition"], record["phase"]) == ("gone", "running")
    assert record["trials"]["complete"] == record["trials"]["waiting"] == 1
    assert record["best"] == {"trial": 0, "score": 0.4}
    assert [one["machine"] for one in record["in_work"]] == ["10.0.0.2", ""]
    print_status("a", tmp_path, as_json=False)
    assert "no process is at work on it" in capsys.readouterr().out


def test_a_search_in_an_object_store_is_asked_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, reports = tmp_path / "store" / "a", RemotePath(f"file://{tmp_path}/store")
    directory.mkdir(parents=True)
    with pytest.raises(ValueError, match="--status a: there is no such search in file://"):
        print_status("a", reports, as_json=True)
    lock = RemoteLock(reports / "a")
    lock.take()
    run(directory, SteppedClock()).close()
    for over, condition in ((False, "silent"), (True, "gone")):  # the clock of `run` is of old
        if over:
            lock.release()
        assert print_status("a", reports, as_json=True) == 0
        record = json.loads(capsys.readouterr().out)
        assert (record["condition"], record["trials"]["complete"]) == (condition, 1)


def test_what_is_maximised_is_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "a"
    directory.mkdir()
    events = [
        replace(START, objective="f1"),
        *(trial_started(number) for number in range(3)),
        replace(scored(0, 600, 0.4), f1=0.7),
        TrialEnded(number=0, state="complete", score=0.7),
        replace(scored(1, 600, 0.3), f1=0.8),
        TrialEnded(number=1, state="complete", score=0.8),
        replace(scored(2, 150, 0.5), f1=0.6),
    ]
    run(directory, SteppedClock(), events).close()
    print_status("a", tmp_path, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert (record["objective"], record["best"]) == ("f1", {"trial": 1, "score": 0.8})
    assert record["in_work"][0]["score"] == 0.6
    print_status("a", tmp_path, as_json=False)
    shown = capsys.readouterr().out
    assert "CAM mIoU in %" not in shown
    assert "F1 in %" in shown
    cells = [line.split() for line in shown.splitlines()]
    places = [
        next(i for i, row in enumerate(cells) if row[:3] == [n, "complete", v])
        for n, v in (("1", "80.0"), ("0", "70.0"))
    ]
    assert places == sorted(places)


def test_a_run_is_called_one_and_no_column_of_it_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    tables = TrialTables(tmp_path / "mini")
    keys = ("optimiser.warmup", "data.images_per_step", "stages.segmentation", "scoring.images")
    tables.handle(replace(START, directory=tmp_path / "mini"))
    params = {"split": "tune", "seed": 0, **dict.fromkeys(keys, 12)}
    tables.handle(TrialStarted(number=0, params=params))
    tables.handle(scored(0, 600, 0.4))
    tables.handle(TrialEnded(number=0, state="complete", score=0.4))
    assert print_status("mini", tmp_path, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run mini: no process is at work on it"
    (headings,) = (line.split() for line in lines if line.startswith("trial"))
    assert headings[:2] == ["trial", "state"]
    assert "split" in headings
    assert max(map(len, lines[:-1])) <= 80
    assert "failed:" not in lines[2]
    assert lines[-1].startswith("no room in 80 columns, see trials.parquet: ")


def test_why_a_run_failed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = TrialTables(tmp_path / "mini")
    tables.handle(replace(START, directory=tmp_path / "mini"))
    tables.handle(TrialStarted(number=0, params={"split": "tune"}))
    reason = "NonFiniteLossError: the loss cls is nan"
    tables.handle(TrialEnded(number=0, state="failed", score=None, reason=reason))
    assert print_status("mini", tmp_path, as_json=False) == 0
    assert f"trial 0 failed: {reason}\n" in capsys.readouterr().out


def test_a_search_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    run(tmp_path / "a", SteppedClock()).close()
    with pytest.raises(ValueError, match=r"--status b: there is no such search in .*there are a$"):
        print_status("b", tmp_path, as_json=False)


def test_who_looks_at_a_lock_does_not_take_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with only_one(tmp_path):
        assert is_held(tmp_path)
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    with only_one(tmp_path):
        pass


def test_the_state_file_names_its_process(tmp_path: Path) -> None:
    state_file = run(tmp_path, SteppedClock())
    word = read_word(tmp_path)
    state_file.close()
    assert word is not None
    assert word.host == socket.gethostname()
    assert Path(f"/proc/{word.pid}").exists() or not Path("/proc").exists()
