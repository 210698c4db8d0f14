"""What Ray is told about our code, without starting it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import platform.cluster.runtime
from platform.cluster.runtime import ROOT, runtime_env, start_ray, worker_environment


def test_workers_here_look_into_the_checkout_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert worker_environment()["PYTHONPATH"] == f"{ROOT}{os.pathsep}/elsewhere"


def test_an_empty_pythonpath_does_not_add_the_current_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert runtime_env()["env_vars"]["PYTHONPATH"] == str(ROOT)


def test_an_installed_package_is_not_put_before_the_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform.cluster.runtime, "IS_CHECKOUT", False)
    assert "PYTHONPATH" not in worker_environment()
    assert runtime_env("10.0.0.1:6379") == {}


def test_a_cluster_gets_the_checkout_without_the_large_files_of_the_tests() -> None:
    env = runtime_env("10.0.0.1:6379")
    assert env["working_dir"] == str(ROOT)
    assert "/tests/golden" in env["excludes"]


def test_a_submitted_job_has_brought_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert runtime_env("auto") == {}


@pytest.mark.parametrize("by_variable", [True, False])
def test_cpus_are_not_asked_of_a_cluster(
    by_variable: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = None if by_variable else "10.0.0.1:6379"
    if by_variable:
        monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    start = start_ray(tmp_path / "ray.log", address=address, num_cpus=4)
    with pytest.raises(ValueError, match=r"num_cpus=4 .* 10\.0\.0\.1:6379: leave out one"):
        start.__enter__()


def test_a_cluster_gets_the_credentials_of_object_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    variables = runtime_env("10.0.0.1:6379")["env_vars"]
    assert variables["AWS_ACCESS_KEY_ID"] == "mine"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"
    assert "PATH" not in variables
