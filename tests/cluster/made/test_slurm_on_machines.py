"""The script of Slurm on two nodes, until its time is over, and once more until the search is.

What Slurm does (start a command on each node, tell the script that the time is over, queue it
again) is done by stand-ins; the script, Ray and the search are the real ones.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cluster.made.checkout import copy_checkout
from tests.cluster.made.machines import Machines, missing
from tests.integration.search_command import SETTINGS
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes

REASON = missing()
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(REASON is not None, reason=str(REASON))]

SHARED = "/mnt/shared"
SECONDS = 600.0
SETS = " ".join(f"--set '{key}={value}'" for key, value in SETTINGS.items())
OPTIONS = (
    f"--data {SHARED}/scenes --reports {SHARED}/reports --name queued --sampler random "
    f"--pruner none --trials 2 --concurrent 2 {SETS} --set iterations=60"
)
JOB = (
    f"SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=2 SLURM_JOB_NODELIST=n1,n2 SLURM_SUBMIT_DIR={SHARED}/toco"
)


@pytest.fixture
def nodes() -> Iterator[Machines]:
    room = Path(tempfile.mkdtemp(prefix="made-")) / "room"
    machines = Machines(room, ["n1", "n2"])
    try:
        for name in machines.addresses:
            machines.power_on(name)
        splits = {"train": 32, "tune": 24, "report": 16}
        write_partscenes(room / "shared/scenes", PartScenes(splits=splits))
        copy_checkout(room / "shared/toco")
        (room / "shared/toco/.venv").symlink_to(room / "venv")
        yield machines
    finally:
        machines.close()
        shutil.rmtree(room.parent, ignore_errors=True)


def start_job(nodes: Machines) -> subprocess.Popen[str]:
    """Start the script on the first node, as Slurm does."""
    path = f"PATH={SHARED}/toco/tests/cluster/made/slurm:$PATH"
    script = f"bash {SHARED}/toco/cluster/slurm.sbatch {OPTIONS}"
    return nodes.start("n1", f"echo $$ > {SHARED}/script.pid; exec env {JOB} {path} {script}")


def test_a_search_whose_time_is_over_is_queued_again_and_goes_on(nodes: Machines) -> None:
    shared = nodes.room / "shared"
    first = start_job(nodes)
    _wait_for(shared / "reports/queued/curves.parquet", first)
    nodes.run("n1", f"kill -TERM $(cat {SHARED}/script.pid)", seconds=60)
    output, _ = first.communicate(timeout=SECONDS)
    print(output)
    assert "nothing is lost: the same command goes on" in " ".join(output.split())
    assert (shared / "toco/requeued").read_text() == "7\n", output
    second = start_job(nodes)
    output, _ = second.communicate(timeout=SECONDS)
    print(output)
    assert second.returncode == 0, output
    table = pq.read_table(shared / "reports/queued/trials.parquet")
    assert table["state"].to_pylist() == ["complete"] * 2


def _wait_for(path: Path, job: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.5)
