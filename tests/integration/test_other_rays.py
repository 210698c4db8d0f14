"""A machine with somebody else's Ray on it, and one whose Ray was installed without its extras."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.search_command import TWO_TRIALS, Search, command_line

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

# Of the packages that `ray[default]` brings, those that its dashboard imports at once.
EXTRAS = ("aiohttp", "aiohttp_cors", "colorful", "opencensus", "prometheus_client", "virtualenv")


@contextmanager
def somebody_elses_ray() -> Iterator[subprocess.Popen[bytes]]:
    """Run a Ray of two CPUs on ports and in a directory of its own, as another user's would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = tempfile.mkdtemp(prefix="theirs-")
    command = f"start --head --block --port={port} --temp-dir={directory} --num-cpus=2"
    options = "--node-ip-address=127.0.0.1 --include-dashboard=false --disable-usage-stats"
    ray = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
    with (
        Path(directory, "out").open("wb") as out,
        subprocess.Popen([*ray, *command.split(), *options.split()], stdout=out, stderr=out) as one,
    ):
        try:
            while "Ray runtime started" not in Path(directory, "out").read_text():
                assert one.poll() is None, Path(directory, "out").read_text()
                time.sleep(0.2)
            yield one
        finally:
            one.terminate()
    shutil.rmtree(directory, ignore_errors=True)


def _children(process: int) -> set[int]:
    names = Path(f"/proc/{process}/task").glob("*/children")
    own = {int(child) for name in names for child in name.read_text().split()}
    return own | {one for child in own for one in _children(child)}


def test_a_search_leaves_somebody_elses_ray_alone(undisturbed: Search, tmp_path: Path) -> None:
    with somebody_elses_ray() as theirs:
        before = {child: command_line(child) for child in _children(theirs.pid)}
        assert any("raylet" in line for line in before.values())
        search = Search(data=undisturbed.data, directory=tmp_path, arguments=TWO_TRIALS)
        session = search.run()
        assert session.wait() == 0, session.output + session.errors
        assert search.scores() == undisturbed.scores()
        after = {child: command_line(child) for child in before}
        daemons = {child for child, line in before.items() if "ray::IDLE" not in line}
        assert all(after[child] == before[child] for child in daemons)
        jobs = [line for line in map(command_line, _children(theirs.pid)) if "ray::Impl" in line]
        assert jobs == []


def test_a_search_runs_without_the_extras_of_ray(
    undisturbed: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    for name in EXTRAS:  # as if they were not installed
        (hidden / name).mkdir(parents=True)
        error = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
        (hidden / name / "__init__.py").write_text(error)
    monkeypatch.setenv("PYTHONPATH", f"{hidden}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    search = Search(data=undisturbed.data, directory=tmp_path / "out", arguments=TWO_TRIALS)
    session = search.run()
    print(session.output + session.errors)
    assert session.wait() == 0, session.output + session.errors
    assert search.scores() == undisturbed.scores()

    groups = search.run("--workers", "2", "--cpus", "0.4", "--trials", "3")
    assert groups.wait() == 2, groups.output + groups.errors
    assert "pip install 'ray[default]'" in groups.errors
    assert groups.errors.count("\n") == 1, groups.errors
