"""A disk that fills up under a whole search: that of the search, and that of Ray. As root."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.search_command import TWO_TRIALS, Search

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None,
        reason="mounting a small disk needs root",
    ),
]

BALLAST = "ballast"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of its own, in memory; its path is short, since sockets lie below it."""
    directory = Path(tempfile.mkdtemp(prefix="disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", directory], check=True)
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)
    directory.rmdir()


def fill(disk: Path) -> None:
    """Write a file that leaves no byte."""
    block = bytes(1 << 20)
    with (disk / BALLAST).open("ab", buffering=0) as file:
        while block:
            try:
                file.write(block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                block = block[: len(block) // 2]


def test_a_search_whose_disk_is_full_says_so_and_goes_on_once_there_is_room(
    undisturbed: Search, disk: Path, tmp_path: Path
) -> None:
    search = Search(data=undisturbed.data, directory=disk, arguments=TWO_TRIALS, logs=tmp_path)
    session = search.start()
    session.wait_for("trial 0  4/20")
    fill(disk)
    assert session.wait() == 1, session.output + session.errors
    print(session.output + session.errors)
    assert "No space left on device" in session.errors
    assert session.errors.count("\n") == 1, session.errors
    (disk / BALLAST).unlink()
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert search.scores() == undisturbed.scores()


def test_a_search_whose_ray_has_no_room_ends_with_the_reason_or_does_without(
    undisturbed: Search, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(disk))
    search = Search(data=undisturbed.data, directory=tmp_path, arguments=TWO_TRIALS)
    session = search.start()
    session.wait_for("trial 0  4/20")
    fill(disk)
    status = session.wait()
    print(session.output + session.errors)
    assert status in (0, 1)
    assert "Traceback" not in session.output + session.errors
    full = search.run()  # and a session that finds no room at its start
    print(full.output + full.errors)
    assert full.wait() in (0, 1)
    assert full.errors.count("\n") <= 1, full.errors
    (disk / BALLAST).unlink()
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert search.scores() == undisturbed.scores()
