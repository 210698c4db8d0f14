from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from platform.cluster import session_directory
from platform.cluster.session_directory import bounded, forget_logs, forget_sessions, log_rotation
from platform.lock import LOCK_FILE


def make_session(root: Path, name: str, *, ours: bool = True, age: float = 3600) -> Path:
    session = root / f"session_{name}"
    (session / "logs").mkdir(parents=True)
    (session / "logs" / "raylet.out").write_text("log")
    if ours:
        (session / LOCK_FILE).touch()
    os.utime(session / "logs", (time.time() - age, time.time() - age))
    return session


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_last_sessions_of_ours_stay_and_older_ones_go(tmp_path: Path) -> None:
    sessions = [make_session(tmp_path, f"2026-01-0{day}") for day in range(1, 6)]
    assert forget_sessions(tmp_path, keep=2) == sessions[:3]
    assert [session.exists() for session in sessions] == [False, False, False, True, True]


def test_no_session_of_anybody_else_is_touched_and_none_that_is_used(tmp_path: Path) -> None:
    other = make_session(tmp_path, "2026-01-01", ours=False)
    used, ending = make_session(tmp_path, "2026-01-02"), make_session(tmp_path, "2026-01-03", age=5)
    (tmp_path / "session_latest").symlink_to(ending)
    with bounded(used):
        assert forget_sessions(tmp_path, keep=0) == []
    assert forget_sessions(tmp_path, keep=0) == [used]
    assert other.exists()
    assert ending.exists()


def test_logs_of_processes_that_are_gone_make_room_the_oldest_first(tmp_path: Path) -> None:
    gone, here = ended_process(), os.getpid()
    names = [f"worker-1f-{gone}.out", f"python-core-worker-2e_{gone}.log", f"worker-3d-{here}.err"]
    for age, name in enumerate([*names, "raylet.out"]):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    assert forget_logs(tmp_path, most=400) == []
    assert forget_logs(tmp_path, most=350) == [tmp_path / names[0]]
    assert forget_logs(tmp_path, most=0) == [tmp_path / names[1]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raylet.out", names[2]]


def test_logs_are_looked_at_while_ray_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_directory, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(session_directory.forget_logs, "__defaults__", (0,))
    session = make_session(tmp_path, "2026-01-01")
    log = session / "logs" / f"worker-1f-{ended_process()}.out"
    with bounded(session):
        log.write_text("said")
        deadline = time.monotonic() + 10
        while log.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert not log.exists()


def test_who_has_set_how_logs_rotate_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ROTATION_MAX_BYTES", "7")
    assert log_rotation() == {"RAY_ROTATION_MAX_BYTES": "7", "RAY_ROTATION_BACKUP_COUNT": "1"}
