"""`--reports` on a file system that is slow, silent for a while, or gone: as NFS on a bad day."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.search_command import TWO_TRIALS, Search
from tests.integration.slow_files import GONE, OK, SILENT, SlowDirectory

pytest.importorskip(
    "fuse", reason="fusepy is not installed: the extra slow-directory", exc_type=ImportError
)
pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a directory needs root"
    ),
]

SLOW = 5.0  # s that a file takes which is written


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SlowDirectory]:
    directory = SlowDirectory(tmp_path / "slow")
    with directory.served():
        yield directory


def test_a_directory_that_is_silent_or_slow_for_a_while_costs_time_and_no_number(
    undisturbed: Search, directory: SlowDirectory, tmp_path: Path
) -> None:
    search = Search(
        data=undisturbed.data, directory=directory.path, arguments=TWO_TRIALS, logs=tmp_path
    )
    session = search.start()
    session.wait_for("trial 0  4/20")
    directory.behave(SILENT)
    time.sleep(30)
    directory.behave(f"slow {SLOW}")
    session.wait_for("trial 0  12/20")
    directory.behave(OK)
    assert session.wait() == 0, session.output + session.errors
    print(session.output)
    assert "broken" not in session.output
    assert search.scores() == undisturbed.scores()


def test_a_directory_that_is_gone_ends_the_session_and_the_same_command_goes_on(
    undisturbed: Search, directory: SlowDirectory, tmp_path: Path
) -> None:
    search = Search(
        data=undisturbed.data, directory=directory.path, arguments=TWO_TRIALS, logs=tmp_path
    )
    session = search.start()
    session.wait_for("trial 0  8/20")
    directory.behave(GONE)
    assert session.wait(240) == 1, session.output + session.errors
    directory.behave(OK)
    print(session.output, session.errors)
    assert "Stale file handle" in session.errors
    assert session.errors.count("\n") == 1, session.errors
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert search.scores() == undisturbed.scores()
