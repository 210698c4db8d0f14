"""`ray up` with the file that we ship, to a finished search, and what may befall it on the way.

On made machines: a laptop that commands, a head, and two workers that the autoscaler brings.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from platform.results.state_file import STATE_FILE
from tests.cluster.made.checkout import copy_checkout
from tests.cluster.made.cluster_file import for_made_machines
from tests.cluster.made.machines import Machines, missing
from tests.integration.search_command import SETTINGS
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes

REASON = missing()
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(REASON is not None, reason=str(REASON))]

HEAD, WORKERS = "head", ("w1", "w2")
SECONDS = 600.0  # more than any of these commands takes while others use the cores
REPORTS = "/mnt/toco/reports"
# A trial takes all CPUs of a machine, and the head has lent some to the evaluation workers: trials
# fit nowhere but on machines that are not there yet.
WHOLE_MACHINE = f"--cpus {os.cpu_count()}"
SETS = " ".join(f"--set '{key}={value}'" for key, value in SETTINGS.items())


@dataclass(frozen=True)
class Cluster:
    """A cluster that `ray up` has made, commanded from the laptop."""

    machines: Machines

    def up(self) -> str:
        return self._ray("up -y --no-config-cache cluster.yaml")

    def down(self) -> str:
        return self._ray("down -y cluster.yaml")

    def start_search(self, name: str, options: str) -> subprocess.Popen[str]:
        """Start a search on the head, as `docs/cluster.md` says, from the laptop."""
        command = (
            "cd ~/toco && python -m platform.search --address auto --data /mnt/toco/scenes "
            f"--sampler random --pruner none --name {name} {SETS} {options}"
        )
        return self.machines.start(
            "laptop", f'cd ~/toco && .venv/bin/ray exec cluster.yaml "{command}"'
        )

    def reports(self, name: str) -> Path:
        return self.machines.room / "shared/reports" / name

    def trials(self, name: str) -> list[str]:
        """Return how each trial of a search ended."""
        path = self.reports(name) / "trials.parquet"
        return pq.read_table(path)["state"].to_pylist() if path.exists() else []

    def hosts(self, name: str) -> set[str]:
        """Return the machines on which trials of a search run, by what it says of itself."""
        word = json.loads((self.reports(name) / STATE_FILE).read_text())
        known = {address: host for host, address in self.machines.addresses.items()}
        return {known[one["machine"]] for one in word["in_work"] if one["machine"]}

    def _ray(self, command: str) -> str:
        said = f"cd ~/toco && RAY_UP_enable_autoscaler_v2=0 .venv/bin/ray {command}"
        status, output = self.machines.run("laptop", said, SECONDS)
        assert status == 0, output
        return output


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    room = Path(tempfile.mkdtemp(prefix="made-")) / "room"  # short: sockets lie below it
    machines = Machines(room, ["laptop", HEAD, *WORKERS])
    try:
        for name in machines.addresses:
            machines.power_on(name)
        write_partscenes(
            room / "shared/scenes", PartScenes(splits={"train": 32, "tune": 24, "report": 16})
        )
        _put_code_on_laptop(machines)
        cluster = Cluster(machines)
        cluster.up()
        yield cluster
        cluster.down()
    finally:
        machines.close()
        shutil.rmtree(room.parent, ignore_errors=True)


def _put_code_on_laptop(machines: Machines) -> None:
    toco = machines.disk("laptop") / "home/toco"
    copy_checkout(toco)
    head, *workers = (machines.addresses[name] for name in (HEAD, *WORKERS))
    text = yaml.safe_dump(for_made_machines(head, workers), sort_keys=False)
    (toco / "cluster.yaml").write_text(text)


def test_a_search_asks_for_machines_and_ends_on_those_that_came(cluster: Cluster) -> None:
    search = cluster.start_search("grown", f"--reports {REPORTS} {WHOLE_MACHINE} --trials 4")
    with _gathering(lambda: cluster.hosts("grown")) as hosts:
        output = _end_of(search)
    assert search.returncode == 0, output
    assert re.search(r"1 machine up; the autoscaler may bring 2 x \(\d+ CPU\)", output), output
    assert cluster.trials("grown") == ["complete"] * 4, output
    assert hosts == set(WORKERS)


def test_a_machine_that_does_not_see_the_reports_is_named_before_anything_is_trained(
    cluster: Cluster,
) -> None:
    search = cluster.start_search("apart", f"--reports /home/ubuntu/reports {WHOLE_MACHINE}")
    output = _end_of(search)
    assert search.returncode != 0, output
    line = r"machine w[12] \(10\.77\.0\.\d+\) does not see\s+/home/ubuntu/reports/apart as the"
    assert re.search(line, output), output
    assert "Traceback" not in output


def test_no_trial_is_lost_with_a_machine_or_a_cable(cluster: Cluster) -> None:
    longer = f"--reports {REPORTS} {WHOLE_MACHINE} --trials 4 --set iterations=40"
    search = cluster.start_search("befallen", longer)
    _wait_for(lambda: has_scores(cluster.reports("befallen") / "trials.parquet"), search)
    cluster.machines.unplug("w2")
    time.sleep(20)
    cluster.machines.plug_in("w2")
    cluster.machines.power_off("w1")
    output = _end_of(search)
    assert search.returncode == 0, output
    assert cluster.trials("befallen") == ["complete"] * 4, output
    cluster.machines.power_on("w1")


def has_scores(trials: Path) -> bool:
    """Whether a trial has been scored; the table is there, without one, from the start."""
    return trials.exists() and any(pq.read_table(trials)["iteration"].to_pylist())


@contextmanager
def _gathering(look: Callable[[], set[str]]) -> Iterator[set[str]]:
    """Gather what there is to be seen while the context is open, looked at twice a second."""
    seen, over = set[str](), threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            with contextlib.suppress(FileNotFoundError):  # it has not begun
                seen.update(look())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _end_of(search: subprocess.Popen[str]) -> str:
    """Wait for the end of a search, and return what it said: `pytest -rP` shows it."""
    output, _ = search.communicate(timeout=SECONDS)
    print(output)
    return output


def _wait_for(condition: Callable[[], bool], search: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert search.poll() is None, search.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.5)
