"""Ray on made machines, started by hand: a test says which of them is up, and no autoscaler."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from tests.cluster.made.checkout import copy_checkout
from tests.cluster.made.machines import Machines
from tests.integration.search_command import SETTINGS, outcomes
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes

HEAD = "head"
SHARED = "/mnt/shared"  # what stands for a network file system, on each machine
SECONDS = 900.0  # more than any of these searches takes while others use the cores
_RAY = "cd ~/toco && {variables} .venv/bin/ray start --num-cpus=1 --disable-usage-stats {options}"


class RayMachines:
    """A head and workers with one CPU each: a trial that asks for it has a worker to itself.

    Args:
        machines: all off.
        workers: their names; the head is called head.
    """

    def __init__(self, machines: Machines, workers: Sequence[str]) -> None:
        self.machines, self.workers = machines, workers
        write_partscenes(
            machines.room / "shared/scenes",
            PartScenes(splits={"train": 32, "tune": 24, "report": 16}),
        )
        copy_checkout(machines.disk(HEAD) / "home/toco")

    def start(self, name: str, variables: str = "") -> None:
        """Switch a machine on and have it join: the head first."""
        self.machines.power_on(name)
        head = self.machines.addresses[HEAD]
        options = "--head --port=6379" if name == HEAD else f"--address={head}:6379"
        own = f"--node-ip-address={self.machines.addresses[name]}"
        command = _RAY.format(variables=variables, options=f"{options} {own}")
        status, output = self.machines.run(name, command, SECONDS)
        assert status == 0, output

    def search(self, name: str, options: str) -> subprocess.Popen[str]:
        """Start a search on the head; what it says is in `output` of its name."""
        sets = " ".join(f"--set '{key}={value}'" for key, value in SETTINGS.items())
        return self.machines.start(
            HEAD,
            "cd ~/toco && exec .venv/bin/python -m platform.search --address auto --no-report "
            f"--data {SHARED}/scenes --reports {SHARED}/reports --name {name} {sets} "
            f"--sampler random --pruner none --cpus 1 {options} > ~/{name}.out 2>&1",
        )

    def output(self, name: str) -> str:
        """Return what the sessions of a search on the head that is on have said."""
        path = self.machines.disk(HEAD) / f"home/{name}.out"
        return path.read_text() if path.exists() else ""

    def reports(self, name: str) -> Path:
        return self.machines.room / "shared/reports" / name

    def outcomes(self, name: str) -> list[tuple[object, ...]]:
        """Return what must not depend on what befell a search: its trials, scores to the bit."""
        return outcomes(self.reports(name), name)

    def has_scores(self, name: str) -> bool:
        """Whether a trial has been scored; the table is there, without one, from the start."""
        table = self.reports(name) / "trials.parquet"
        return table.exists() and any(pq.read_table(table)["iteration"].to_pylist())


@contextmanager
def ray_machines(workers: Sequence[str]) -> Iterator[RayMachines]:
    """Make machines, all off; they are gone afterwards."""
    room = Path(tempfile.mkdtemp(prefix="made-")) / "room"  # short: sockets lie below it
    machines = Machines(room, (HEAD, *workers))
    try:
        yield RayMachines(machines, workers)
    finally:
        machines.close()
        shutil.rmtree(room.parent, ignore_errors=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, while a command runs."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, "the command has ended"
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s"
        time.sleep(0.5)
