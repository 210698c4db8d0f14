from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import optuna
import pytest

from platform.search.live_trials import LiveTrials
from platform.search.study import default_storage, open_storage
from tests.search.worlds import learning_curve, opener

TRIALS, STEPS = 4, (20, 40, 60, 80, 100)


def search(live: LiveTrials) -> None:
    """Run the trials that are left, one after the other."""
    for assignment in iter(live.next, None):
        curve = learning_curve(assignment.number, assignment.params)
        for step, score in zip(STEPS, curve, strict=True):
            assert score is not None
            if not live.record(assignment.number, score, step):
                break
        live.finish(assignment.number)


def trials_in(directory: Path) -> list[optuna.trial.FrozenTrial]:
    storage = open_storage(default_storage(directory), say=lambda line: None)
    return optuna.load_study(study_name="made-up", storage=storage).trials


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    search(opener(open_storage(default_storage(directory)), budget=TRIALS, pruner="none")())
    return directory / "study.journal"


def test_a_search_goes_on_whichever_line_of_its_journal_is_garbled(
    journal: Path, tmp_path: Path
) -> None:
    lines, before = journal.read_bytes().splitlines(), trials_in(journal.parent)
    # The first line, which creates the study, tells a journal from a file of someone else.
    for index in range(1, len(lines)):
        copy, said = tmp_path / "study.journal", list[str]()
        copy.write_bytes(b"\n".join([*lines[:index], b"\0\xff{", *lines[index + 1 :], b""]))
        open_storage(str(copy), said.append)
        (line,) = said
        assert line.startswith(f"{copy}: 1 of {len(lines)} lines are damaged")
        after = trials_in(tmp_path)
        assert len(after) >= len(before) - (index == len(lines) - 1)
        pairs = zip(before, after, strict=False)
        others = [one.number for one, other in pairs if one.values != other.values]
        changed = [n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
        assert len(changed) <= 1, index
        assert set(others) <= set(changed)


def test_the_journal_as_it_was_stays_beside_the_mended_one(journal: Path, tmp_path: Path) -> None:
    copy = tmp_path / "study.journal"
    copy.write_bytes(journal.read_bytes().replace(b'"op_code":7', b'"op_code:7', 1))
    damaged = copy.read_bytes()
    open_storage(str(copy), lambda line: None)
    assert (tmp_path / "study.journal.damaged").read_bytes() == damaged
    said: list[str] = []
    open_storage(str(copy), said.append)  # once said
    assert said == []


def test_what_follows_no_beginning_is_left_out(journal: Path, tmp_path: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if b'"op_code":4' in line)
    copy, said = tmp_path / "study.journal", list[str]()
    copy.write_bytes(b"".join(lines[:first] + lines[first + 1 :]))  # without a trace of it
    open_storage(str(copy), said.append)
    assert "lines are damaged and were left out" in said[0]
    search(opener(open_storage(str(copy)), budget=TRIALS, pruner="none")())
    assert len(trials_in(tmp_path)) >= TRIALS


@pytest.mark.parametrize("name", ["study.journal", "deep/study.journal"])
def test_an_old_lock_of_a_dead_process_is_broken_at_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_storage(name)
    lock = Path(f"{name}.lock")
    lock.symlink_to(Path(name).absolute())
    os.utime(lock, (0, time.time() - 60), follow_symlinks=False)
    began, said = time.monotonic(), list[str]()
    opener(open_storage(name, said.append), budget=1)().next()
    assert time.monotonic() - began < 5
    assert said == [f"{lock.absolute()}: left by a process that died, and removed"]


def test_whoever_writes_alone_waits_for_no_lock_however_young(tmp_path: Path) -> None:
    name = str(tmp_path / "study.journal")
    open_storage(name)
    lock = Path(f"{name}.lock")
    lock.symlink_to(name)
    began, said = time.monotonic(), list[str]()
    opener(open_storage(name, said.append, alone=True), budget=1)().next()
    assert time.monotonic() - began < 5
    assert said == [f"{lock}: left by a process that died, and removed"]


def test_a_lock_that_looks_old_by_another_clock_is_left_to_who_holds_it(tmp_path: Path) -> None:
    name = str(tmp_path / "study.journal")
    open_storage(name)
    lock = Path(f"{name}.lock")
    lock.symlink_to(name)
    an_hour_ago = (0, time.time() - 3600)
    os.utime(lock, an_hour_ago, follow_symlinks=False)

    def write_on() -> None:
        time.sleep(0.3)
        lock.unlink()
        lock.symlink_to(name)
        os.utime(lock, (0, an_hour_ago[1] + 1), follow_symlinks=False)
        time.sleep(1.2)
        lock.unlink()

    writer = threading.Thread(target=write_on)
    writer.start()
    said: list[str] = []
    open_storage(name, said.append)
    writer.join()
    assert said == []
