"""What befalls the machines of a search: a wrong clock, a mount that goes, the head's own end."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform.results.curves import read_curves
from tests.cluster.made.machines import missing
from tests.cluster.made.ray_machines import (
    HEAD,
    SECONDS,
    SHARED,
    RayMachines,
    ray_machines,
    wait_for,
)
from tests.integration.search_command import TWO_TRIALS, Search

COMPILER = shutil.which("cc")
FAST_CLOCK = Path(__file__).with_name("fast_clock.c")
REASON = missing()
pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]

OPTIONS = " ".join(TWO_TRIALS).replace("--concurrent 1", "--concurrent 2")
WORKERS = ("w1", "w2")
HOUR = 3600.0
OUTAGE = 180.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayMachines]:
    with ray_machines(WORKERS) as cluster:
        cluster.start(HEAD)
        cluster.start("w1")
        cluster.start("w2", _fast_clock(cluster))
        yield cluster


def _library(cluster: RayMachines) -> Path:
    return cluster.machines.room / "fast_clock.so"  # which all machines see


def _fast_clock(cluster: RayMachines) -> str:
    """Return what makes a program see a clock that is an hour fast, where there is a compiler."""
    if COMPILER is None:
        return ""
    library = _library(cluster)
    options = ["-shared", "-fPIC", "-O1", "-o", str(library), str(FAST_CLOCK), "-ldl"]
    subprocess.run([COMPILER, *options], check=True)
    return f"LD_PRELOAD={library}"


def _restart_workers(cluster: RayMachines) -> None:
    """Have both with a right clock, and all mounts."""
    for name in WORKERS:
        cluster.machines.power_off(name)
        cluster.start(name)


def _end_of(cluster: RayMachines, search: subprocess.Popen[str], name: str) -> str:
    search.wait(timeout=SECONDS)
    output = cluster.output(name)
    print(output)
    return output


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_a_clock_that_is_an_hour_fast_on_one_machine_changes_nothing(
    cluster: RayMachines, undisturbed: Search
) -> None:
    preload = f"LD_PRELOAD={_library(cluster)}"
    _, said = cluster.machines.run("w2", f"{preload} date +%s; date +%s", 60)
    fast, right = map(int, said.split())
    assert fast - right >= HOUR - 2
    _, said = cluster.machines.run("w2", "tr '\\0' '\\n' < /proc/$(pgrep -o raylet)/environ", 60)
    assert preload in said
    search = cluster.search("clocks", OPTIONS)
    output = _end_of(cluster, search, "clocks")
    assert search.returncode == 0, output
    assert cluster.outcomes("clocks") == undisturbed.scores()
    training = [row["seconds_training"] for row in read_curves(cluster.reports("clocks"))]
    assert all(0 < seconds < HOUR / 2 for seconds in training)


def test_a_machine_that_loses_its_mount_is_left_and_its_trial_goes_on_elsewhere(
    cluster: RayMachines, undisturbed: Search
) -> None:
    search = cluster.search("unmounted", OPTIONS)
    wait_for(lambda: cluster.has_scores("unmounted"), search)
    status, said = cluster.machines.run("w1", f"umount --lazy {SHARED}", 60)
    assert status == 0, said
    output = _end_of(cluster, search, "unmounted")
    assert search.returncode == 0, output
    assert "broken on" in output
    assert cluster.outcomes("unmounted") == undisturbed.scores()


def test_a_cable_that_is_out_for_three_minutes_costs_no_trial_and_no_number(
    cluster: RayMachines, undisturbed: Search
) -> None:
    _restart_workers(cluster)
    search = cluster.search("unplugged", OPTIONS)
    wait_for(lambda: cluster.has_scores("unplugged"), search)
    cluster.machines.unplug("w1")
    time.sleep(OUTAGE)  # the search may end meanwhile
    cluster.machines.plug_in("w1")
    output = _end_of(cluster, search, "unplugged")
    assert search.returncode == 0, output
    assert cluster.outcomes("unplugged") == undisturbed.scores()


def test_the_head_may_be_lost_and_the_same_command_goes_on_on_a_new_one(
    cluster: RayMachines, undisturbed: Search
) -> None:
    _restart_workers(cluster)
    search = cluster.search("beheaded", OPTIONS)
    wait_for(lambda: cluster.has_scores("beheaded"), search)
    cluster.machines.power_off(HEAD)
    search.wait(timeout=60)
    for name in WORKERS:  # whose Ray follows the head that is gone
        cluster.machines.power_off(name)
    for name in (HEAD, *WORKERS):
        cluster.start(name)
    again = cluster.search("beheaded", OPTIONS)
    output = _end_of(cluster, again, "beheaded")
    assert again.returncode == 0, output
    assert "resumed at" in output
    assert cluster.outcomes("beheaded") == undisturbed.scores()
