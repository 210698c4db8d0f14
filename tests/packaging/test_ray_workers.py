"""Ray workers find our package, although they load the standard module before they see ours."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from pathlib import Path

import pytest

from platform.cluster.ray_internals import LOOPBACK_ONLY
from tests.packaging.interpreter import ROOT, Interpreter

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TASK = """
import os, sys
from pathlib import Path
import ray

@ray.remote
def where():
    import platform.cluster.runtime
    return platform.cluster.runtime.__file__
"""
# Where the workers have our code from, which addresses are listened on, and the State API.
OUR_OWN = """
from platform.cluster.runtime import start_ray
import os, ray.util.state
def ours():
    return [os.environ.get(name) for name in ("PYTHONPATH", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")]

before = ours()
with start_ray(Path(sys.argv[1]), num_cpus=1) as context:
    print(ray.get(where.remote()))
    print({node["NodeManagerAddress"] for node in ray.nodes()}, context.dashboard_url)
    gcs = context.address_info["gcs_address"]  # another Ray may run on this machine
    print(len(ray.util.state.list_nodes(address=gcs)), ray.cluster_resources()["CPU"])
print(ours() == before, ray.is_initialized())
"""
INSTALLED = """
ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
print(ray.get(where.remote()))
"""
# A driver connects to a cluster that knows nothing of us.
CLUSTER = """
ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""
DRIVER = """
from platform.cluster.runtime import start_ray
with start_ray(Path(sys.argv[1]), address=sys.argv[2]):
    print(ray.get(where.remote()))
"""


def test_a_ray_of_our_own_stays_on_this_machine_and_finds_the_checkout(
    bare: Interpreter, tmp_path: Path
) -> None:
    log = tmp_path / "logs/ray.log"
    done = bare.attempt("-c", TASK + OUR_OWN, str(log), cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    path, addresses, state, after = done.stdout.splitlines()
    assert path == str(ROOT / "platform/cluster/runtime.py")
    assert re.fullmatch(r"\{'127\.0\.0\.1'\} 127\.0\.0\.1:\d+", addresses)
    assert state == "1 1.0"
    assert after == "True False"
    assert "Started a local Ray instance" in log.read_text()
    assert "Started a local Ray instance" not in done.stderr


def test_workers_find_an_installed_package_by_themselves(
    wheel: Interpreter, tmp_path: Path
) -> None:
    path = wheel.run("-c", TASK + INSTALLED, cwd=tmp_path)
    assert path == str(wheel.site_packages / "platform/cluster/runtime.py")


def test_a_cluster_gets_our_code_with_the_job(bare: Interpreter, tmp_path: Path) -> None:
    command = [str(bare.executable), "-c", TASK + CLUSTER]
    # A driver that names an address must know the token, which is this test's own.
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)} | LOOPBACK_ONLY
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | token,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        try:
            address = cluster.stdout.readline().strip()
            arguments = ["-c", TASK + DRIVER, str(tmp_path / "ray.log"), address]
            path = Path(bare.run(*arguments, cwd=ROOT, **token))
        finally:
            cluster.stdin.close()  # which ends it
    assert path.parts[-3:] == ("platform", "cluster", "runtime.py")
    assert "working_dir_files" in path.parts
