from __future__ import annotations

import inspect
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import ray
from ray import actor
from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray._private import node, ray_constants, services, utils, worker
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.train.v2._internal import constants as train_constants
from ray.tune.experiment import Trial

from platform.cluster import ray_internals
from platform.cluster.ray_internals import (
    HEAD_RESOURCE,
    LOOPBACK_ONLY,
    autoscaler_file,
    be_patient,
    error_of,
    is_start_timeout,
    keep_messages_off_the_terminal,
    lacks_extras,
    listen_on_loopback_only,
    memory_of_ray,
    sigterm_left_alone,
    survive_memory_kills,
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


def test_a_ray_without_its_dashboard_is_known_by_its_message() -> None:
    assert "Cannot include dashboard with missing packages" in inspect.getsource(services), CHANGED
    assert lacks_extras(Exception("Cannot include dashboard with missing packages."))
    assert not lacks_extras(Exception("no space left on device"))


def test_the_processes_that_a_ray_cannot_do_without_are_known_by_their_names() -> None:
    assert {
        ray_constants.PROCESS_TYPE_RAYLET,
        ray_constants.PROCESS_TYPE_GCS_SERVER,
    } == set(ray_internals._NEEDED), CHANGED
    assert "all_processes[ray_constants.PROCESS_TYPE_RAYLET]" in inspect.getsource(node), CHANGED
    assert f"{ray_internals._RAYLET_OPTION}=" in inspect.getsource(services), CHANGED


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


@pytest.mark.parametrize("token", ["a" * 64, ""])
def test_a_token_in_the_home_is_shown_to_the_cluster_that_is_joined(
    token: str, tmp_path: Path
) -> None:
    (tmp_path / ".ray").mkdir()
    if token:
        (tmp_path / ".ray/auth_token").write_text(token)
    code = "import os; from platform.cluster.ray_internals import show_token; show_token(); "
    code += "print(os.environ.get('RAY_AUTH_MODE'))"
    environment = {name: value for name, value in os.environ.items() if "RAY_AUTH" not in name}
    environment["HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ("token" if token else "None")


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


def test_a_process_that_the_memory_monitor_killed_is_a_dead_actor_to_tune(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_actor_task_failed", "_actor_start_failed"):  # back again after the test
        handle = getattr(RayActorManager, name)
        monkeypatch.setattr(RayActorManager, name, getattr(handle, "__wrapped__", handle))
    errors: list[Exception] = []
    tracked = TrackedActor(1, on_error=lambda _actor, error: errors.append(error))
    monkeypatch.setattr(RayActorManager, "_cleanup_actor", lambda *_, **__: None)
    manager = RayActorManager.__new__(RayActorManager)  # the rest of it starts a Ray
    manager._failed_actor_ids = set()
    killed = OutOfMemoryError("Memory on the node (IP: 10.0.0.7, ID: 5) was 9GB used / 10GB limit")
    task = TrackedActorTask(tracked)
    with pytest.raises(RuntimeError, match="unexpected exception"):  # else ours is not needed
        manager._actor_task_failed(task, exception=killed)
    survive_memory_kills()
    survive_memory_kills()
    manager._actor_task_failed(task, exception=killed)
    manager._actor_start_failed(tracked_actor=tracked, exception=killed)
    assert [(type(error), str(error)) for error in errors] == 2 * [(RayActorError, str(killed))]
    assert "exception=exception" in inspect.getsource(RayActorManager._try_start_actors), CHANGED


def test_tune_leaves_the_error_of_a_trial_in_a_file(tmp_path: Path) -> None:
    trial = cast(
        Trial,
        SimpleNamespace(
            is_restoring=False,
            local_path=str(tmp_path),
            run_metadata=SimpleNamespace(
                num_failures=0, pickled_error_filename=None, invalidate_cache=lambda: None
            ),
            pickled_error_file=str(tmp_path / "error.pkl"),
            error_file=str(tmp_path / "error.txt"),
            _handle_ray_actor_error=lambda _error: None,
        ),
    )
    Trial.handle_error(trial, RayActorError(error_msg="killed"))
    assert str(error_of(trial)) == "killed"
    nothing = SimpleNamespace(pickled_error_file=None)
    assert "says nothing of the reason" in str(error_of(nothing))


def test_ray_says_how_much_memory_there_is_and_is_in_use() -> None:
    total, used = memory_of_ray()
    assert 0 < used < total


def test_messages_of_the_raylet_go_to_the_log(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert "print_to_stdstream(" in inspect.getsource(worker.listen_error_messages), CHANGED
    monkeypatch.setattr(worker, "print_to_stdstream", worker.print_to_stdstream)
    for name, value in {"propagate": True, "disabled": False}.items():
        monkeypatch.setattr(logging.getLogger("ray"), name, value)
    caplog.set_level(logging.WARNING, logger="ray")  # a Ray that ran before may have set another
    keep_messages_off_the_terminal()
    message = {"lines": ["A worker died"], "pid": "raylet", "is_err": False}
    worker.print_to_stdstream(message, ignore_prefix=False)
    assert "A worker died" not in "".join(capfd.readouterr())
    assert "(raylet) A worker died" in caplog.text
