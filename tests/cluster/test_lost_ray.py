"""A process whose Ray is lost: it ends within seconds, whatever it waits for."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.packaging.interpreter import ROOT

PROGRAM = """
import subprocess, threading, time
from platform.cluster import lost_ray
child = subprocess.Popen(["sleep", "0.2"])
lost_ray.needed_processes = lambda: {"its raylet (process 7)": lambda: child.poll() is not None}
lost_ray._LOOK_SECONDS = lost_ray._END_SECONDS = 0.1
with lost_ray.ending_with_ray():
"""
WAITS = "    time.sleep(60)"
HANGS = """
    while True:
        try:
            time.sleep(60)
        except SystemExit:
            pass
"""
IS_OVER = "    pass\nchild.wait(); time.sleep(0.5)"


@pytest.mark.parametrize("waits", [WAITS, HANGS])
def test_it_says_what_was_lost_and_fails(waits: str) -> None:
    began = time.monotonic()
    done = _run(waits)
    assert done.returncode == 1
    assert time.monotonic() - began < 30
    assert done.stderr.startswith("error: Ray has lost its raylet (process 7): killed, ")
    assert done.stderr.count("\n") == 1


def test_what_ends_afterwards_is_nothing_that_was_lost() -> None:
    done = _run(IS_OVER)
    assert (done.returncode, done.stderr) == (0, "")


def _run(waits: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM + waits]
    return subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=50
    )
