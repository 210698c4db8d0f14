from __future__ import annotations

import subprocess
import sys

import pytest

from tests.packaging.interpreter import ROOT

# No file may be longer than a few events: what a full disk is to a writer.
PROGRAM = """
import resource, sys, time
from pathlib import Path
from platform.results.tensorboard import TensorBoardSink
from tests.results.streams import progressed, search_started, trial_started
sink = TensorBoardSink(Path(sys.argv[1]))
sink.handle(search_started())
sink.handle(trial_started(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    for iteration in range(1, 2000):
        sink.handle(progressed(0, iteration=10 * iteration))
        time.sleep(0.001)
except OSError as error:
    print("raised", error.strerror)
"""
IN_A_THREAD_OF_OURS = """
import threading
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(); thread.join()
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM + IN_A_THREAD_OF_OURS]
    return subprocess.run(
        [*command, str(tmp_path_factory.mktemp("events"))],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_a_disk_without_room_is_told_by_the_writer_and_by_no_traceback(
    done: subprocess.CompletedProcess[str],
) -> None:
    assert done.stdout == "raised File too large\n", done.stderr
    assert "File too large" not in done.stderr


def test_other_threads_are_heard(done: subprocess.CompletedProcess[str]) -> None:
    assert "ZeroDivisionError" in done.stderr
