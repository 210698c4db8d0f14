"""A search in a store, here a `file://` one, and on the machines that work on it in turn."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from platform.lock import LOCK_FILE
from platform.mirror.lock import LOCK_OBJECT, SILENT_SECONDS, RemoteLock, is_at_work, read_holder
from platform.mirror.session import Mirror, mirrored
from toco_core.remote_path import RemotePath


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.mirror.lock._SETTLE_SECONDS", 0.0)
    monkeypatch.setattr("platform.mirror.session._LAST_SECONDS", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> RemotePath:
    return RemotePath(f"file://{tmp_path}/store/a")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Path]:
    """The directory of a search on a machine of that name."""

    def directory(name: str) -> Path:
        path = tmp_path / name / "a"
        path.mkdir(parents=True, exist_ok=True)
        (path / LOCK_FILE).touch()
        return path

    return directory


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_another_machine_goes_on_with_what_the_last_one_left(
    store: RemotePath, machine: Callable[[str], Path]
) -> None:
    said = list[str]()
    first, second = machine("first"), machine("second")
    with mirrored(first, store, said.append) as mirror:
        write(first / "study.journal", "1")
        write(first / "tensorboard" / "trial-0000" / "events", "2")
        for name in ("sessions/s/x", "trials/t/x", ".hidden", "study.journal.lock"):
            write(first / name, "stays here")
    assert mirror.is_complete
    assert store.files() == [LOCK_OBJECT, "study.journal", "tensorboard/trial-0000/events"]
    write(second / "old", "of a search that was removed")
    with mirrored(second, store, said.append):
        assert (second / "study.journal").read_text() == "1"
        assert (second / "tensorboard" / "trial-0000" / "events").read_text() == "2"
        assert not (second / "old").exists()
        write(second / "study.journal", "12")
        shutil.rmtree(second / "tensorboard")
    assert store.files() == [LOCK_OBJECT, "study.journal"]
    with mirrored(first, store, said.append):
        assert (first / "study.journal").read_text() == "12"
        assert not (first / "tensorboard").exists()
    assert said == []


def test_files_are_put_as_they_change_and_the_record_goes_before_checkpoints(
    store: RemotePath, machine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.mirror.session.SECONDS", 0.05)
    trial = store / "trials" / "trial-0001"
    (trial / "iteration-000010.pt").write_bytes(b"")
    directory = machine("first")
    with mirrored(directory, store, print) as mirror:
        write(directory / "study.journal", "trial 1 failed")
        (mirror.store / "trials" / "trial-0001").remove()
        wait_until(lambda: trial.files() == [])
        assert (store / "study.journal").read_bytes() == b"trial 1 failed"


def test_a_store_that_is_gone_for_a_while_costs_nothing(
    store: RemotePath,
    machine: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.mirror.session.SECONDS", 0.05)
    said, directory = list[str](), machine("first")
    with mirrored(directory, store, said.append) as mirror:
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").write_text("no directory")
        write(directory / "study.journal", "1")
        wait_until(lambda: bool(said))
        (tmp_path / "store").unlink()
        (tmp_path / "away").rename(tmp_path / "store")
        wait_until(lambda: len(said) == 2)
    assert "the search goes on" in said[0]
    assert said[1] == f"{store} answers again"
    assert (mirror.is_complete, (store / "study.journal").read_bytes()) == (True, b"1")


def test_what_could_not_be_put_is_said_and_put_by_the_next_session_of_the_machine(
    store: RemotePath, machine: Callable[[str], Path], tmp_path: Path
) -> None:
    said, directory = list[str](), machine("first")
    with mirrored(directory, store, said.append) as mirror:
        write(directory / "study.journal", "1")
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").write_text("no directory")
    assert not mirror.is_complete
    assert "not put there: study.journal. The files are in " in said[-1]
    (tmp_path / "store").unlink()
    (tmp_path / "away").rename(tmp_path / "store")
    _end_process_of(store)
    with mirrored(directory, store, said.append):
        assert (directory / "study.journal").read_text() == "1"
    assert (store / "study.journal").read_bytes() == b"1"


def test_a_cache_that_is_emptied_meanwhile_empties_no_store(
    store: RemotePath, machine: Callable[[str], Path]
) -> None:
    said, directory = list[str](), machine("first")
    with mirrored(directory, store, said.append):
        write(directory / "study.journal", "1")
    with mirrored(directory, store, said.append) as mirror:
        shutil.rmtree(directory)
    assert not mirror.is_complete
    assert str(directory) in said[0]
    assert store.files() == [LOCK_OBJECT, "study.journal"]


def test_what_was_never_put_is_set_aside_where_another_machine_has_gone_on(
    store: RemotePath, machine: Callable[[str], Path]
) -> None:
    said, first = list[str](), machine("first")
    with mirrored(first, store, said.append):
        write(first / "study.journal", "1")
    with mirrored(machine("second"), store, said.append):
        write(machine("second") / "study.journal", "12")
    write(first / "study.journal", "13")
    with mirrored(first, store, said.append):
        assert (first / "study.journal").read_text() == "12"
    (aside,) = first.parent.glob("a.aside-*")
    assert (aside / "study.journal").read_text() == "13"
    assert [str(aside) in line for line in said] == [True]


def _end_process_of(store: RemotePath) -> None:
    """Have the session that is on record be one of a process that is no more."""
    holder = read_holder(store)
    assert holder is not None
    text = (store / LOCK_OBJECT).read_bytes().decode()
    gone = text.replace(f'"pid": {holder.pid}', '"pid": 99999999')
    (store / LOCK_OBJECT).write_bytes(gone.encode())


def test_a_second_session_is_refused_while_one_is_at_work(
    store: RemotePath, machine: Callable[[str], Path]
) -> None:
    with mirrored(machine("first"), store, print):
        with pytest.raises(ValueError, match=rf"process {os.getpid()} on .* is working in {store}"):
            Mirror(machine("second"), store, print, give_up=lambda: None).open()
        _end_process_of(store)
        RemoteLock(store).require_free()
    with mirrored(machine("second"), store, print):
        pass


def test_a_session_that_was_silent_for_a_minute_is_taken_for_dead(
    store: RemotePath, tmp_path: Path
) -> None:
    RemoteLock(store).take()
    holder, now = read_holder(store), time.time()
    assert holder is not None
    for ago, is_alive in ((SILENT_SECONDS - 10, True), (SILENT_SECONDS + 10, False)):
        os.utime(tmp_path / "store" / "a" / LOCK_OBJECT, (now - ago, now - ago))
        assert is_at_work(store, holder) == is_alive


def test_a_session_that_another_one_has_taken_over_from_stops_and_puts_nothing_more(
    store: RemotePath, machine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.mirror.session.HEARTBEAT_SECONDS", 0.2)
    said, gave_up = list[str](), list[bool]()
    first = Mirror(machine("first"), store, said.append, lambda: gave_up.append(True))
    first.open()
    RemoteLock(store).take()
    wait_until(lambda: bool(gave_up))
    assert "this one stops" in said[0]
    write(machine("first") / "study.journal", "of the one that was silent")
    first.close()
    assert not first.is_complete
    assert store.files() == [LOCK_OBJECT]


def test_of_two_that_start_at_once_one_goes_on(
    store: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.mirror.lock._SETTLE_SECONDS", 0.5)
    first, second = RemoteLock(store), RemoteLock(store)
    for lock in (first, second):
        assert lock.require_free() is None
    with ThreadPoolExecutor() as threads:
        taken = threads.submit(first.take)
        wait_until(lambda: read_holder(store) is not None)
        second.take()
        with pytest.raises(ValueError, match="is working in"):
            taken.result()
