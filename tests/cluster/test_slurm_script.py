"""`cluster/slurm.sbatch` itself, on one made node: its signal, its requeue, and the next start.

In the place of Slurm are a `srun` that runs its command here, and a `scontrol` that notes what it
is asked for. All else is real: the script, `ray symmetric-run`, the search, the signal.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from platform.results.tables import read_trials
from tests.cluster.made.machines import missing
from tests.integration.search_command import NAME, SETTINGS

ROOT = Path(__file__).parents[2]
SECONDS = 400
# Takes minutes, and namespaces, as whatever ends with a `ray stop`.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the script wants a .venv"),
]

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""
SCONTROL = """#!/bin/bash
echo "$@" >> "$(dirname "$0")/asked"
"""
IN_NAMESPACES = ("unshare", "--pid", "--net", "--mount", "--uts", "--ipc", "--fork", "--kill-child")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    directory = tmp_path / "tools"
    directory.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    return directory


class Job:
    """A start of the job, with the command line that Slurm keeps."""

    def __init__(self, tools: Path, scenes: Path) -> None:
        self._tools, self._sign = tools, tools / f"sign-{time.monotonic_ns()}"
        self._log = tools / f"{self._sign.name}.log"
        settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
        where = ["--data", str(scenes), "--reports", str(tools.parent / "reports"), "--name", NAME]
        options = [*settings, "--set=iterations=80", *where, "--trials", "1", "--no-report"]
        script = ROOT / "cluster" / "slurm.sbatch"
        arguments = [str(one) for one in (script, tools, self._sign)]
        variables = {
            "SLURM_SUBMIT_DIR": str(ROOT),
            "SLURM_JOB_ID": "4711",
            "SLURM_JOB_NUM_NODES": "1",
            "OMP_NUM_THREADS": "1",
            "RAY_worker_niceness": "0",
        }
        node = str(Path(__file__).with_name("slurm_node.sh"))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*IN_NAMESPACES, "bash", node, *arguments, *options],
                env=os.environ | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"{text!r} is not in:\n{self.output}")
            time.sleep(0.1)

    def announce_the_end(self) -> None:
        """Have the script told, as `--signal=B:TERM@600` does."""
        self._sign.touch()

    def wait(self) -> int:
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"no end:\n{self.output}") from None


def test_the_job_saves_is_queued_again_and_goes_on_from_there(tools: Path, scenes: Path) -> None:
    first = Job(tools, scenes)
    first.wait_for("CAM mIoU")
    first.announce_the_end()
    assert first.wait() == 130, first.output
    assert "stopping the trials" in first.output
    assert (tools / "asked").read_text() == "requeue 4711\n"
    assert not Path("/tmp/ray-4711").exists()

    again = Job(tools, scenes)
    assert again.wait() == 0, again.output
    (resumed,) = re.findall(r"trial 0  resumed at (\d+)/80", again.output)
    assert int(resumed) % 16, "saved when it was told, and not at a score"
    assert (tools / "asked").read_text() == "requeue 4711\n"
    (row,) = read_trials(tools.parent / "reports" / NAME)
    assert (row.state, row.retries) == ("complete", 0)
