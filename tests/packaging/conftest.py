"""Interpreters that know the dependencies, and our package only in the way that a test is about."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.packaging.interpreter import ROOT, Interpreter


def _make(directory: Path) -> Interpreter:
    """Create an environment that has what is installed here, except that no `.pth` of ours runs.

    The path of another site-packages in a `.pth` file makes its modules importable, and does not
    run the `.pth` files that are in there: an editable install of this project stays unseen.
    """
    venv.create(directory, with_pip=False, symlinks=True)
    interpreter = Interpreter(directory / "bin/python", directory)
    dependencies = sysconfig.get_path("purelib")
    (interpreter.site_packages / "dependencies.pth").write_text(dependencies + "\n")
    return interpreter


def _install(interpreter: Interpreter, *what: str) -> None:
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--quiet"]
    target = ["--target", str(interpreter.site_packages)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *target, *what], check=True)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Nothing of ours is installed: as in a checkout after `pip install` of the dependencies."""
    return _make(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Our wheel is installed."""
    interpreter = _make(tmp_path_factory.mktemp("wheel"))
    _install(interpreter, str(ROOT))
    return interpreter


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """This checkout is installed as editable."""
    interpreter = _make(tmp_path_factory.mktemp("editable"))
    _install(interpreter, "--editable", str(ROOT))
    return interpreter
