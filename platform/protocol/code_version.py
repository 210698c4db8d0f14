"""Which code made a number."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "toco-platform"


@cache
def code_version() -> str:
    """Return the version of the package, and of a checkout its commit and whether it was changed.

    It is read once: a process runs what it has loaded.
    """
    try:
        number = version(PACKAGE)
    except PackageNotFoundError:
        number = "not installed"
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return number
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = ", changed" if _git(root, "status", "--porcelain", "--untracked-files=no") else ""
    return f"{number} (commit {commit}{changed})" if commit else number


def _git(root: Path, *arguments: str) -> str:
    """Return what git says; nothing where there is no git, or it refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
