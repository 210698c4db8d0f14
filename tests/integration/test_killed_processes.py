"""Processes of a search that are killed or stand still: what it says; no number changes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.integration.search_command import TWO_TRIALS, Search, whole_search

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

SECONDS = 30.0  # after which whoever has typed a command knows what has happened


def test_a_ddp_worker_that_is_killed_costs_a_retry_and_no_number(
    scenes: Path, tmp_path: Path
) -> None:
    two = (*TWO_TRIALS, "--workers", "2", "--cpus", "0.4", "--scorers", "1")
    undisturbed = whole_search(scenes, tmp_path / "undisturbed", two)
    search = Search(data=scenes, directory=tmp_path / "killed", arguments=two)
    session = search.start()
    session.wait_for("trial 0  4/20")
    os.kill(search.find("RayTrainWorker", session)[-1], signal.SIGKILL)
    assert session.wait() == 0, session.output + session.errors
    assert "(retry 1 of 2)" in session.output
    assert "was killed, or crashed" in session.output
    assert search.scores() == undisturbed.scores()


def test_evaluation_workers_that_are_killed_cost_a_trial_nothing(
    undisturbed: Search, tmp_path: Path
) -> None:
    search = Search(data=undisturbed.data, directory=tmp_path, arguments=TWO_TRIALS)
    session = search.start()
    for point in ("trial 0  4/20", "trial 0  12/20"):
        session.wait_for(point)
        for worker in search.find("EvaluationWorker", session):
            os.kill(worker, signal.SIGKILL)
    assert session.wait() == 0, session.output + session.errors
    assert "retry" not in session.output
    assert search.scores() == undisturbed.scores()


@pytest.mark.parametrize("process", ["raylet/raylet", "gcs_server"])
def test_a_ray_that_is_lost_ends_the_command_within_seconds_and_the_same_one_goes_on(
    process: str, undisturbed: Search, tmp_path: Path
) -> None:
    search = Search(data=undisturbed.data, directory=tmp_path, arguments=TWO_TRIALS)
    session = search.start()
    session.wait_for("trial 0  4/20")
    os.kill(search.find(process, session)[0], signal.SIGKILL)
    assert session.wait(SECONDS) == 1, session.output + session.errors
    assert session.errors.startswith("error: ")
    assert session.errors.count("\n") == 1
    assert f"Ray has lost its {process.rpartition('/')[2]}" in session.errors
    assert _nothing_is_left(search)
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    assert "trial 0  resumed at" in last.output
    assert search.scores() == undisturbed.scores()


def test_a_trial_that_stands_still_is_ended_and_goes_on(
    undisturbed: Search, tmp_path: Path
) -> None:
    search = Search(data=undisturbed.data, directory=tmp_path, arguments=TWO_TRIALS)
    session = search.start("--stall-minutes", "0.4")
    session.wait_for("trial 0  4/20")
    (process,) = search.find("ray::ImplicitFunc", session)
    os.kill(process, signal.SIGSTOP)
    assert session.wait() == 0, session.output + session.errors
    assert "no progress for" in session.output
    assert "(retry 1 of 2)" in session.output
    assert search.scores() == undisturbed.scores()
    assert _nothing_is_left(search)


def _nothing_is_left(search: Search) -> bool:
    deadline = time.monotonic() + 60
    while search.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    return not search.processes()
