from __future__ import annotations

import inspect
import signal

import pytest
import ray
from ray import actor
from ray._private import node, ray_constants, services, utils, worker

from platform.cluster.ray_internals import (
    LOOPBACK_ONLY,
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
