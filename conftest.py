"""Lets a bare `pytest` in a checkout that is not installed find our package `platform`.

Pytest has loaded the standard module before it looks at the project.
"""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent
runpy.run_path(str(ROOT / "platform/_startup/finder.py"))["install"](str(ROOT))
