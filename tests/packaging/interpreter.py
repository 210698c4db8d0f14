"""Runs Python in a process of its own: a package called `platform` is decided at its start."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Interpreter:
    """A Python in an environment of its own."""

    executable: Path
    home: Path

    @property
    def site_packages(self) -> Path:
        (directory,) = self.home.glob("lib/python*/site-packages")
        return directory

    def attempt(
        self, *arguments: str, cwd: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run with arguments in a directory; the variables are added to the environment."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [str(self.executable), *arguments],
            cwd=cwd,
            env=inherited | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, *arguments: str, cwd: Path, **variables: str) -> str:
        """Run as `attempt` does, expect success, and return what was printed."""
        done = self.attempt(*arguments, cwd=cwd, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()
