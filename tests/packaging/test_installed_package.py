"""Installed, our package is found from any directory although the standard library comes first."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.packaging.interpreter import ROOT, Interpreter

# Prints where `platform` and a module of ours come from, and that the standard half works.
WHERE = (
    "import platform, platform.cluster.runtime as runtime, toco_core;"
    "print(platform.__path__[0], runtime.ROOT, toco_core.__path__[0], platform.machine())"
)


@pytest.fixture(params=["wheel", "editable"])
def installed(request: pytest.FixtureRequest) -> Interpreter:
    return request.getfixturevalue(request.param)


def _home(installed: Interpreter) -> Path:
    """Return the directory from which our code must come."""
    return ROOT if "editable" in installed.home.name else installed.site_packages


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E", "-s"], ["-O"]])
def test_it_is_found_from_another_directory(
    installed: Interpreter, flags: list[str], tmp_path: Path
) -> None:
    home = _home(installed)
    platform, root, core, machine = installed.run(*flags, "-c", WHERE, cwd=tmp_path).split()
    assert (platform, root, core) == (f"{home}/platform", str(home), f"{home}/toco_core")
    assert machine == os.uname().machine


def test_python_m_platform_is_still_the_standard_one(
    installed: Interpreter, tmp_path: Path
) -> None:
    standard = installed.run("-I", "-S", "-m", "platform", cwd=tmp_path)
    assert installed.run("-m", "platform", cwd=tmp_path) == standard != ""


def test_a_module_that_was_loaded_earlier_becomes_the_package(
    installed: Interpreter, tmp_path: Path
) -> None:
    early = installed.site_packages / "a_first.pth"  # .pth files run in the order of their names
    early.write_text("import platform; platform.loaded_early = True\n")
    try:
        code = WHERE + "; print(platform.loaded_early)"
        answer = installed.run("-c", code, cwd=tmp_path)
    finally:
        early.unlink()
    assert answer.startswith(f"{_home(installed)}/platform")
    assert answer.endswith("True")


def test_the_checkout_in_which_python_starts_goes_first(wheel: Interpreter, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "platform", tmp_path / "platform")
    shutil.copytree(ROOT / "toco_core", tmp_path / "toco_core")
    platform, root, *_ = wheel.run("-c", WHERE, cwd=tmp_path).split()
    assert (platform, root) == (f"{tmp_path}/platform", str(tmp_path))


def test_a_checkout_that_was_deleted_leaves_python_as_it_was(
    bare: Interpreter, tmp_path: Path
) -> None:
    finder = bare.site_packages / "_toco_platform.py"
    pth = bare.site_packages / "toco_platform.pth"
    shutil.copy(ROOT / "platform/_startup/finder.py", finder)
    pth.write_text("import _toco_platform; _toco_platform.install('/no/such/checkout')\n")
    code = "import platform; print(hasattr(platform, '__path__'))"
    try:
        done = bare.attempt("-c", code, cwd=tmp_path)
    finally:
        finder.unlink()
        pth.unlink()
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_wheel_carries_the_data_of_the_packages(wheel: Interpreter) -> None:
    kinds = ("*.py", "*.yaml", "*.safetensors")
    for package in ("platform", "toco_core", "search_spaces"):
        files = {
            path.relative_to(ROOT)
            for kind in kinds
            for path in (ROOT / package).rglob(kind)
            if "_startup" not in path.parts
        }
        missing = {path for path in files if not (wheel.site_packages / path).is_file()}
        assert files, package
        assert missing == set()


def test_nothing_but_our_packages_is_installed(wheel: Interpreter) -> None:
    names = {path.name.split("-")[0] for path in wheel.site_packages.iterdir()}
    ours = {"platform", "toco_core", "search_spaces", "_toco_platform.py", "toco_platform.pth"}
    assert names - {"dependencies.pth", "__pycache__"} == ours | {"toco_platform"}
