from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import ray
from ray import actor
from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray._private import node, ray_constants, services, utils, worker
from ray.train.v2._internal import constants as train_constants

from platform.cluster.ray_internals import (
    HEAD_RESOURCE,
    LOOPBACK_ONLY,
    autoscaler_file,
    be_patient,
    is_start_timeout,
    listen_on_loopback_only,
    sigterm_left_alone,
)

CHANGED = f"Ray {ray.__version__} has changed this: see platform/cluster/ray_internals.py"


def test_the_switch_that_keeps_ray_off_the_network_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert LOOPBACK_ONLY.keys() == {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR}, CHANGED
    assert isinstance(ray_constants.ENABLE_RAY_CLUSTER, bool), CHANGED
    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", True)
    listen_on_loopback_only()
    assert ray_constants.ENABLE_RAY_CLUSTER is False
    assert "ENABLE_RAY_CLUSTER" in inspect.getsource(services), CHANGED


def test_a_start_that_takes_too_long_is_known_by_its_message() -> None:
    assert "timed out during startup" in inspect.getsource(node), CHANGED
    assert is_start_timeout(Exception("The current node timed out during startup. This ..."))
    assert not is_start_timeout(Exception("no space left on device"))


def test_every_actor_says_when_it_is_up() -> None:
    assert "__ray_ready__" in inspect.getsource(actor), CHANGED


def test_a_ray_that_starts_leaves_sigterm_alone() -> None:
    for module in (node, worker):
        assert "ray._private.utils.set_sigterm_handler(" in inspect.getsource(module), CHANGED
    before = signal.getsignal(signal.SIGTERM)
    with sigterm_left_alone():
        utils.set_sigterm_handler(signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) is before
    utils.set_sigterm_handler(signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, before)


def test_the_head_is_known_by_its_resource() -> None:
    assert HEAD_RESOURCE == HEAD_NODE_RESOURCE_NAME, CHANGED


def test_train_waits_for_machines_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    name = train_constants.WORKER_GROUP_START_TIMEOUT_S_ENV_VAR
    monkeypatch.setenv(name, "7")
    be_patient()
    assert os.environ[name] == "7"
    monkeypatch.delenv(name)
    be_patient()
    assert float(os.environ[name]) > 3600, CHANGED
    assert name in train_constants.ENV_VARS_TO_PROPAGATE, CHANGED


@pytest.fixture
def monitors() -> Iterator[None]:
    """Two processes with the command lines of Ray's autoscalers, of two clusters."""
    lines = (
        ["--gcs-address=10.0.0.1:6379", "--autoscaling-config=~/of-one.yaml"],
        ["--gcs-address=10.0.0.2:6379", "--autoscaling-config=/of-another.yaml"],
    )
    wait = "import sys; sys.stdin.read()"
    started = [
        subprocess.Popen([sys.executable, "-c", wait, *line], stdin=subprocess.PIPE)
        for line in lines
    ]
    yield
    for process in started:
        process.communicate()


@pytest.mark.usefixtures("monitors")
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc")
def test_the_autoscaler_of_our_cluster_is_asked_for_its_file() -> None:
    source = inspect.getsource(services.start_monitor)
    assert '"--autoscaling-config="' in source, CHANGED
    assert "--gcs-address=" in source, CHANGED
    assert autoscaler_file("10.0.0.1:6379") == os.path.expanduser("~/of-one.yaml")
    assert autoscaler_file("10.0.0.2:6379") == "/of-another.yaml"
    assert autoscaler_file("10.0.0.3:6379") is None
