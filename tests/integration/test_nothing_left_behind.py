"""Fifty pruned trials leave no process, placement group, shared memory or open file behind."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from optuna.trial import TrialState
from ray._private.state import GlobalState
from ray._raylet import GcsClientOptions  # pyright: ignore[reportAttributeAccessIssue]

from platform.cluster.ray_internals import show_token
from tests.integration.search_command import Search, Session, command_line

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

TRIALS = 64  # of which halving prunes about four in five
EARLY, LATE = 12, 56  # trials, at whose start is counted what there is


@dataclass(frozen=True)
class Things:
    """What a search holds at a moment."""

    processes: int
    files: int  # that are open, in the driver and in the processes of trials and scores
    groups: int  # placement groups that were not removed
    shared: int  # bytes of shared memory in use


def test_fifty_pruned_trials_leave_nothing_behind(scenes: Path, tmp_path: Path) -> None:
    options = ("--trials", str(TRIALS), "--sampler", "random", "--concurrent", "2")
    search = Search(data=scenes, directory=tmp_path, arguments=options)
    session = search.start()
    early, late = (_at(trial, search, session) for trial in (EARLY, LATE))
    assert session.wait(600) == 0, session.output + session.errors
    pruned = sum(trial.state is TrialState.PRUNED for trial in search.trials())
    print(f"{pruned} pruned; at trial {EARLY}: {early}; at trial {LATE}: {late}")
    assert pruned >= 40
    assert late.processes <= early.processes + 1  # one that ends just now
    assert late.files <= early.files + 10
    assert late.groups <= early.groups + 1
    assert late.shared <= early.shared + (4 << 20)
    deadline = time.monotonic() + 60
    while search.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert search.processes() == []


def _at(trial: int, search: Search, session: Session) -> Things:
    """Count what there is once a trial has started."""
    session.wait_for(f"trial {trial}  started")
    processes = search.processes()
    lines = {process: command_line(process) for process in processes}
    ours = [p for p, line in lines.items() if "platform.search" in line or "ray::" in line]
    return Things(
        processes=len([line for line in lines.values() if "ray::IDLE" not in line]),
        files=sum(_open_files(process) for process in ours),
        groups=_groups(next(line for line in lines.values() if "--gcs-address" in line)),
        shared=sum(_shared_bytes(process) for process in ours),
    )


def _open_files(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/fd"))
    except OSError:  # it has ended
        return 0


def _shared_bytes(process: int) -> int:
    """Return how much of Ray's and torch's shared memory a process has touched."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"RssShmem:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0


def _groups(line: str) -> int:
    """Ask the control store of the search's own Ray; a driver of its own would take longer."""
    address = re.search(r"--gcs-address[=\0]([\d.]+:\d+)", line)
    assert address, line
    show_token()
    state = GlobalState()
    state._initialize_global_state(
        GcsClientOptions.create(
            address[1], None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=False
        )
    )
    groups = state.placement_group_table().values()
    state.disconnect()
    return sum(one["state"] != "REMOVED" for one in groups)
