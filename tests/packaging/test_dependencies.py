"""What is imported is declared in pyproject.toml, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from tests.packaging.interpreter import ROOT

OURS = {"platform", "toco_core", "search_spaces", "tests", "benchmarks", "docs", "conftest"}
BUILD = {"hatchling"}  # of the hook that makes a wheel
OF_TORCH = {"triton"}  # the GPU builds of torch bring it
# The commands that `make check` and a test run, and the plugin that pytest loads by itself.
COMMANDS = {"basedpyright", "ruff", "pytest-xdist", "hatchling"}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


# Packages that are not installed for every Python, by their distributions.
NOT_EVERYWHERE = {"pydensecrf": "pydensecrf2"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Iterable[str]) -> set[str]:
    names = (re.match(r"[\w.-]+", text) for text in requirements)
    return {canonical(match[0]) for match in names if match}


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def imported(*places: str) -> dict[str, str]:
    """Return the distribution of each package that is imported there, and one who imports it."""
    distributions = packages_distributions()
    found: dict[str, str] = {}
    paths = (path for place in places for path in sorted((ROOT / place).rglob("*.py")))
    for path in paths:
        for package in set(imported_packages(path)) - OURS - sys.stdlib_module_names:
            names = {
                canonical(name)
                for name in distributions.get(package, [NOT_EVERYWHERE.get(package, package)])
            }
            found |= dict.fromkeys(names, str(path.relative_to(ROOT)))
    return found


def test_every_import_of_the_packages_is_declared_and_every_declared_package_imported() -> None:
    users = imported("platform", "toco_core")
    needed = declared(project()["dependencies"])
    assert {n: user for n, user in users.items() if n not in needed | BUILD | OF_TORCH} == {}
    assert needed - users.keys() == set()


def test_every_import_of_tests_and_benchmarks_is_declared() -> None:
    extras = project()["optional-dependencies"]
    users = imported("tests", "benchmarks")
    known = declared(project()["dependencies"]) | declared(extras["dev"]) | OF_TORCH
    assert {n: user for n, user in users.items() if n not in known} == {}
    assert declared(extras["dev"]) - users.keys() - COMMANDS == set()
