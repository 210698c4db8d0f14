"""The code as a user has it: what git knows of this checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.packaging.interpreter import ROOT


def copy_checkout(target: Path) -> None:
    """Copy each file with its time: `make setup` compares them with what is installed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for file in filter(None, listed.stdout.split("\0")):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target / file)
