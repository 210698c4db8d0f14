"""Puts the finder, and the `.pth` file that calls it, beside the packages of a wheel.

Hatchling runs this hook. An editable wheel holds no packages, so its `.pth` names the checkout.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StartupFiles(BuildHookInterface[Any]):
    """Ships `_toco_platform.py` and `toco_platform.pth` at the top of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        editable = version == "editable"
        # ascii(): the encoding in which Python 3.11 reads a .pth file depends on the locale.
        root = ascii(self.root) if editable else ""
        self._scratch = tempfile.TemporaryDirectory()
        pth = Path(self._scratch.name, "toco_platform.pth")
        pth.write_text(f"import _toco_platform; _toco_platform.install({root})\n", encoding="ascii")
        build_data["force_include_editable" if editable else "force_include"].update(
            {str(Path(__file__).with_name("finder.py")): "_toco_platform.py", str(pth): pth.name}
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self._scratch.cleanup()
